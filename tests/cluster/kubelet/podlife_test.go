package main

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// live takes a pod from its creation to where it stays, as the API server and node.take would, and tells the phases
// and the first container's states that it went through.
func live(t *testing.T, pod *corev1.Pod) []string {
	t.Helper()
	var course []string
	for range 10 {
		switch next := nextStep(pod, metav1.Now(), func() string { return "10.244.0.9" }).(type) {
		case nil:
			return course
		case bind:
			pod.Spec.NodeName = nodeName
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
			course = append(course, "bound")
		case remove:
			return append(course, "removed")
		case report:
			pod.Status = next.status
			course = append(course, fmt.Sprintf("%s %s", pod.Status.Phase, containerState(pod)))
		}
	}
	t.Fatalf("the pod comes to no rest: %q", course)
	return nil
}

func containerState(pod *corev1.Pod) string {
	switch state := pod.Status.ContainerStatuses[0].State; {
	case state.Waiting != nil:
		return state.Waiting.Reason
	case state.Terminated != nil:
		return fmt.Sprintf("exit %d", state.Terminated.ExitCode)
	default:
		return "running"
	}
}

func newPod(image string) *corev1.Pod {
	return &corev1.Pod{
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "agent", Image: image}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
}

func TestPodLife(t *testing.T) {
	const creating = "Pending ContainerCreating"
	for image, want := range map[string][]string{
		"example.test/agent:1":             {"bound", creating, "Running running"},
		"example.test:5000/fails@sha256:0": {"bound", creating, "Failed exit 1"},
		"pull-fails:2":                     {"bound", creating, "Pending ImagePullBackOff"},
		"stops-slowly":                     {"bound", creating, "Running running"},
	} {
		t.Run(image, func(t *testing.T) {
			pod := newPod(image)
			if got := live(t, pod); !reflect.DeepEqual(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			pod.DeletionTimestamp = new(metav1.NewTime(time.Now().Add(-time.Minute)))
			if got := live(t, pod); !reflect.DeepEqual(got, []string{"removed"}) {
				t.Errorf("deleted: got %q", got)
			}
		})
	}
}

func TestEndings(t *testing.T) {
	deletedAgo := func(image string, ago time.Duration, grace int64) *corev1.Pod {
		pod := newPod(image)
		pod.Spec.NodeName = nodeName
		pod.DeletionGracePeriodSeconds = new(grace)
		pod.DeletionTimestamp = new(metav1.NewTime(time.Unix(1000+grace, 0).Add(-ago)))
		return pod
	}
	now := metav1.Unix(1000, 0)
	for _, test := range []struct {
		pod  *corev1.Pod
		want step
	}{
		{deletedAgo("agent", 0, 30), remove{}},
		{deletedAgo(imageStopsSlowly, 0, 30), pause{slowStop}},
		{deletedAgo(imageStopsSlowly, time.Second, 30), pause{slowStop - time.Second}},
		{deletedAgo(imageStopsSlowly, slowStop, 30), remove{}},
		{deletedAgo(imageStopsSlowly, 0, 1), pause{time.Second}},
		{deletedAgo(imageStopsSlowly, 0, 0), remove{}},
		{deletedAgo(imageNeverStops, time.Hour, 30), nil},
	} {
		if got := ending(test.pod, now); got != test.want {
			t.Errorf("%s: got %v, want %v", test.pod.Spec.Containers[0].Image, got, test.want)
		}
	}
}

func TestNoNodeTakesThePod(t *testing.T) {
	pod := newPod(imageUnscheduled)
	said, ok := nextStep(pod, metav1.Now(), nil).(report)
	if !ok || said.events[0].reason != "FailedScheduling" {
		t.Fatalf("got %v, want a report", said)
	}
	pod.Status = said.status
	if next := nextStep(pod, metav1.Now(), nil); next != nil {
		t.Errorf("then: got %v, want nothing", next)
	}
	if next, ok := unschedulable(pod, metav1.Now(), "another reason").(report); !ok || next.status.Conditions[0].Message != "another reason" {
		t.Errorf("for another reason: got %v, want it to be said", next)
	}
	pod.DeletionTimestamp = new(metav1.Now())
	if next := nextStep(pod, metav1.Now(), nil); next != (remove{}) {
		t.Errorf("deleted: got %v, want it to be removed", next)
	}
}

func TestRunningPodIsReady(t *testing.T) {
	pod := newPod("agent")
	pod.Spec.InitContainers = []corev1.Container{
		{Name: "copy"},
		{Name: "sidecar", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)},
	}
	live(t, pod)
	if pod.Status.PodIP != "10.244.0.9" {
		t.Errorf("address %q", pod.Status.PodIP)
	}
	if len(pod.Status.Conditions) != 5 {
		t.Errorf("%d conditions, want PodScheduled and a kubelet's four", len(pod.Status.Conditions))
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			t.Errorf("condition %s is %s", condition.Type, condition.Status)
		}
	}
	inits := pod.Status.InitContainerStatuses
	if len(inits) != 2 || inits[0].State.Terminated == nil || inits[1].State.Running == nil {
		t.Errorf("init containers: %v", inits)
	}
}

func TestPodsThatAreLeftAlone(t *testing.T) {
	gated := newPod("agent")
	gated.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "not-yet"}}
	elsewhere := newPod("agent")
	elsewhere.Spec.NodeName = "another"
	for name, pod := range map[string]*corev1.Pod{"gated": gated, "on another node": elsewhere} {
		if got := live(t, pod); got != nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
