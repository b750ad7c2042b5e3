package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// workers is how many pods are moved on at the same time.
const workers = 8

// claimPause is how long a pod waits before its claims are looked at again.
const claimPause = 200 * time.Millisecond

// node moves the pods of the whole cluster on, each time one of them changes.
type node struct {
	client   kubernetes.Interface
	informer informers.SharedInformerFactory
	pods     listers.PodLister
	queue    workqueue.TypedRateLimitingInterface[cache.ObjectName]
	// addresses is how many pod addresses are handed out; the first is the node's own.
	addresses atomic.Uint32
}

func newNode(client kubernetes.Interface) *node {
	informer := informers.NewSharedInformerFactory(client, 0)
	n := &node{
		client:   client,
		informer: informer,
		pods:     informer.Core().V1().Pods().Lister(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](5*time.Millisecond, time.Second)),
	}
	n.addresses.Store(1)
	return n
}

// follow starts to watch pods and returns when those that exist are known.
func (n *node) follow(ctx context.Context) error {
	enqueue := func(changed any) {
		if pod, ok := changed.(*corev1.Pod); ok {
			n.queue.Add(cache.ObjectName{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
	pods := n.informer.Core().V1().Pods().Informer()
	registration, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, changed any) { enqueue(changed) },
	})
	if err != nil {
		return err
	}
	n.informer.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return errors.New("pods could not be listed before we were told to stop")
	}
	return nil
}

// work moves pods on until ctx ends.
func (n *node) work(ctx context.Context) {
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for n.moveNext(ctx) {
			}
		})
	}
	<-ctx.Done()
	n.queue.ShutDown()
	group.Wait()
}

// moveNext takes one pod from the queue and its next step. It is false when the queue is shut down.
func (n *node) moveNext(ctx context.Context) bool {
	name, shutdown := n.queue.Get()
	if shutdown {
		return false
	}
	defer n.queue.Done(name)
	err := n.move(ctx, name)
	if err == nil {
		n.queue.Forget(name)
		return true
	}
	// Somebody else changed the pod, or the server is away: look again.
	if !apierrors.IsConflict(err) {
		fmt.Fprintf(os.Stderr, "kubelet: pod %s: %v\n", name, err)
	}
	n.queue.AddRateLimited(name)
	return true
}

func (n *node) move(ctx context.Context, name cache.ObjectName) error {
	pod, err := n.pods.Pods(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	next := nextStep(pod, metav1.Now(), n.nextAddress)
	if _, placed := next.(bind); placed {
		lack, err := n.lacks(ctx, pod)
		if err != nil {
			return err
		}
		if lack != "" {
			next = unschedulable(pod, metav1.Now(), "0/1 nodes are available: "+lack+".")
			n.queue.AddAfter(name, claimPause)
		}
	}
	if wait, paused := next.(pause); paused {
		n.queue.AddAfter(name, wait.rest)
		return nil
	}
	err = n.take(ctx, pod, next)
	if apierrors.IsNotFound(err) {
		return nil // gone in the meantime
	}
	return err
}

// lacks says which claim of its volumes keeps a pod from being placed: one that is not there, or on its way out, which whoever
// protects claims in use would otherwise keep for this pod, for good. Empty when there is none.
func (n *node) lacks(ctx context.Context, pod *corev1.Pod) (string, error) {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		name := volume.PersistentVolumeClaim.ClaimName
		claim, err := n.client.CoreV1().PersistentVolumeClaims(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Sprintf("persistentvolumeclaim %q not found", name), nil
		case err != nil:
			return "", err
		case claim.DeletionTimestamp != nil:
			return fmt.Sprintf("persistentvolumeclaim %q is being deleted", name), nil
		}
	}
	return "", nil
}

// take does one step. The pod may be older than the server's: preconditions see to it that a step meant for one state
// is not taken in another.
func (n *node) take(ctx context.Context, pod *corev1.Pod, next step) error {
	pods := n.client.CoreV1().Pods(pod.Namespace)
	switch next := next.(type) {
	case bind:
		err := pods.Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeName},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		message := fmt.Sprintf("Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, nodeName)
		return n.tell(ctx, pod, "default-scheduler", podEvent{corev1.EventTypeNormal, "Scheduled", message})
	case report:
		changed := pod.DeepCopy()
		changed.Status = next.status
		if _, err := pods.UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
			return err
		}
		source := "kubelet"
		if pod.Spec.NodeName == "" {
			source = "default-scheduler"
		}
		return n.tell(ctx, pod, source, next.events...)
	case remove:
		return pods.Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64(0)),
			Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		})
	}
	return nil
}

// tell writes events about a pod.
func (n *node) tell(ctx context.Context, pod *corev1.Pod, source string, events ...podEvent) error {
	now := metav1.Now()
	for _, event := range events {
		_, err := n.client.CoreV1().Events(pod.Namespace).Create(ctx, &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{GenerateName: pod.Name + ".", Namespace: pod.Namespace},
			InvolvedObject: corev1.ObjectReference{
				APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			},
			Type: event.kind, Reason: event.reason, Message: event.message,
			Source:         corev1.EventSource{Component: source, Host: nodeName},
			FirstTimestamp: now, LastTimestamp: now, Count: 1,
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// nextAddress is a pod's address in 10.244.0.0/16, another one each time until they have all been used.
func (n *node) nextAddress() string {
	number := n.addresses.Add(1)
	return fmt.Sprintf("10.244.%d.%d", number>>8&0xff, number&0xff)
}
