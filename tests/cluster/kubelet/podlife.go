package main

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodeName = "simulated"
	nodeIP   = "10.244.0.1"
)

// The last part of the image name of a pod's first container decides how the pod fares, so that whoever chooses an
// image (a gateway's user, too) chooses that. Every other image runs and becomes ready.
const (
	imageFails       = "fails"        // the container starts and exits with 1
	imagePullFails   = "pull-fails"   // the image can't be had
	imageStopsSlowly = "stops-slowly" // the container takes slowStop to end
	imageNeverStops  = "never-stops"  // the pod is on a node that is lost: nobody says that its container has ended
	imageUnscheduled = "unscheduled"  // no node takes the pod
)

// slowStop is how long the container of imageStopsSlowly runs on after its pod was deleted, unless its grace period is
// over before.
const slowStop = 3 * time.Second

// step is what has to happen next to a pod: bind, report, remove or pause.
type step interface{ isStep() }

// bind: the pod goes to the simulated node.
type bind struct{}

// report: the pod's status becomes this, and these events tell why.
type report struct {
	status corev1.PodStatus
	events []podEvent
}

// remove: the pod's containers are gone, the object can go.
type remove struct{}

// pause: nothing until so much time has passed.
type pause struct{ rest time.Duration }

func (bind) isStep()   {}
func (report) isStep() {}
func (remove) isStep() {}
func (pause) isStep()  {}

// podEvent is a core/v1 Event about a pod, as `kubectl describe` shows it.
type podEvent struct{ kind, reason, message string }

// nextStep says what has to happen to a pod now; nil when it is where it stays. newAddress is asked for the pod's
// address if it is to run.
func nextStep(pod *corev1.Pod, now metav1.Time, newAddress func() string) step {
	switch {
	case pod.Spec.NodeName != "" && pod.Spec.NodeName != nodeName:
		return nil
	case pod.DeletionTimestamp != nil:
		return ending(pod, now)
	case pod.Spec.NodeName == "":
		if len(pod.Spec.SchedulingGates) > 0 {
			return nil
		}
		if imageName(pod) == imageUnscheduled {
			return unschedulable(pod, now, "0/1 nodes are available: 1 Insufficient memory.")
		}
		return bind{}
	case pod.Status.Phase != corev1.PodPending:
		return nil
	case len(pod.Status.ContainerStatuses) == 0:
		return creating(pod, now)
	}
	if waiting := pod.Status.ContainerStatuses[0].State.Waiting; waiting == nil || waiting.Reason != reasonCreating {
		return nil
	}
	switch imageName(pod) {
	case imagePullFails:
		return pullFailed(pod)
	case imageFails:
		return failed(pod, now, newAddress())
	default:
		return running(pod, now, newAddress())
	}
}

// ending is what becomes of a pod that is deleted.
func ending(pod *corev1.Pod, now metav1.Time) step {
	switch {
	case pod.Spec.NodeName == "":
		return remove{}
	case imageName(pod) == imageNeverStops:
		return nil
	case imageName(pod) == imageStopsSlowly:
		var grace time.Duration
		if pod.DeletionGracePeriodSeconds != nil {
			grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
		}
		// A deletion timestamp is when the grace period ends.
		end := pod.DeletionTimestamp.Add(min(slowStop, grace) - grace)
		if rest := end.Sub(now.Time); rest > 0 {
			return pause{rest}
		}
	}
	return remove{}
}

// unschedulable is what a scheduler says of a pod that it cannot place; nil when it has said so already.
func unschedulable(pod *corev1.Pod, now metav1.Time, message string) step {
	said := func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodScheduled && condition.Message == message
	}
	if slices.ContainsFunc(pod.Status.Conditions, said) {
		return nil
	}
	status := pod.Status.DeepCopy()
	status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
		Reason: corev1.PodReasonUnschedulable, Message: message, LastTransitionTime: now,
	}}
	return report{*status, []podEvent{{corev1.EventTypeWarning, "FailedScheduling", message}}}
}

const (
	reasonCreating    = "ContainerCreating"
	reasonPullBackOff = "ImagePullBackOff"
)

// imageName is the last part of the first container's image, without tag and digest.
func imageName(pod *corev1.Pod) string {
	image := pod.Spec.Containers[0].Image
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndex(image, "/")+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}

// creating is the first report of a bound pod: its containers wait.
func creating(pod *corev1.Pod, now metav1.Time) step {
	status := pod.Status.DeepCopy()
	status.StartTime = &now
	status.HostIP, status.HostIPs = nodeIP, []corev1.HostIP{{IP: nodeIP}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reasonCreating}}
	status.ContainerStatuses = containerStatuses(pod.Spec.Containers, waiting)
	setConditions(status, now, "ContainersNotReady", corev1.PodInitialized)
	return report{status: *status}
}

func pullFailed(pod *corev1.Pod) step {
	status := pod.Status.DeepCopy()
	image := pod.Spec.Containers[0].Image
	status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{
		Reason: reasonPullBackOff, Message: `Back-off pulling image "` + image + `"`,
	}
	return report{*status, []podEvent{
		{corev1.EventTypeNormal, "Pulling", `Pulling image "` + image + `"`},
		{corev1.EventTypeWarning, "Failed", `Failed to pull image "` + image + `": not found`},
		{corev1.EventTypeNormal, "BackOff", `Back-off pulling image "` + image + `"`},
	}}
}

func failed(pod *corev1.Pod, now metav1.Time, podIP string) step {
	status := started(pod, podIP)
	status.Phase = corev1.PodFailed
	status.ContainerStatuses = containerStatuses(pod.Spec.Containers, corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: now, FinishedAt: now},
	})
	setConditions(status, now, "PodFailed", corev1.PodReadyToStartContainers, corev1.PodInitialized)
	return report{*status, startEvents(pod)}
}

func running(pod *corev1.Pod, now metav1.Time, podIP string) step {
	status := started(pod, podIP)
	status.Phase = corev1.PodRunning
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	status.ContainerStatuses = containerStatuses(pod.Spec.Containers, state)
	for _, container := range pod.Spec.InitContainers {
		inits := containerStatuses([]corev1.Container{container}, corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now},
		})
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			inits = containerStatuses([]corev1.Container{container}, state)
		}
		inits[0].Ready = true
		status.InitContainerStatuses = append(status.InitContainerStatuses, inits...)
	}
	setConditions(status, now, "",
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady)
	return report{*status, startEvents(pod)}
}

// started is the status of a pod that has its address.
func started(pod *corev1.Pod, podIP string) *corev1.PodStatus {
	status := pod.Status.DeepCopy()
	status.PodIP, status.PodIPs = podIP, []corev1.PodIP{{IP: podIP}}
	return status
}

func startEvents(pod *corev1.Pod) []podEvent {
	container := pod.Spec.Containers[0]
	return []podEvent{
		{corev1.EventTypeNormal, "Pulled", `Container image "` + container.Image + `" already present on machine`},
		{corev1.EventTypeNormal, "Created", "Container created: " + container.Name},
		{corev1.EventTypeNormal, "Started", "Container started: " + container.Name},
	}
}

func containerStatuses(containers []corev1.Container, state corev1.ContainerState) []corev1.ContainerStatus {
	runs := state.Running != nil
	statuses := make([]corev1.ContainerStatus, 0, len(containers))
	for _, container := range containers {
		status := corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, State: state, Ready: runs, Started: &runs,
		}
		if state.Waiting == nil {
			status.ImageID = container.Image + "@simulated"
			status.ContainerID = "simulated://" + container.Name
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// setConditions makes these types True and the pod's other ones False, for this reason. PodScheduled is the API
// server's: it sets it with the binding.
func setConditions(status *corev1.PodStatus, now metav1.Time, reason string, met ...corev1.PodConditionType) {
	kept := status.Conditions[:0]
	previous := map[corev1.PodConditionType]corev1.PodCondition{}
	for _, condition := range status.Conditions {
		if condition.Type == corev1.PodScheduled {
			kept = append(kept, condition)
		}
		previous[condition.Type] = condition
	}
	status.Conditions = kept
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady,
	} {
		condition := corev1.PodCondition{
			Type: kind, Status: corev1.ConditionFalse, Reason: reason, LastTransitionTime: now,
		}
		for _, one := range met {
			if one == kind {
				condition.Status, condition.Reason = corev1.ConditionTrue, ""
			}
		}
		if before, had := previous[kind]; had && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
		status.Conditions = append(status.Conditions, condition)
	}
}
