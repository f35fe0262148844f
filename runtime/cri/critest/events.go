package critest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func testEvents(t *testing.T, r Runtime) {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	events := make(chan *runtimeapi.ContainerEventResponse, 1) // small: a slow reader loses nothing
	connected, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- r.GetContainerEvents(ctx, events, func(runtimeapi.RuntimeService_GetContainerEventsClient) { close(connected) })
	}()
	<-connected

	p := newPod(t, r, "events")
	id := p.start("main", tools, command("true"))
	waitExited(t, r, id)
	if err := r.RemoveContainer(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := r.RemovePodSandbox(ctx, p.id); err != nil {
		t.Fatal(err)
	}
	const created, started = runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT
	const stopped, deleted = runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT
	want := map[string][]runtimeapi.ContainerEventType{
		id: {created, started, stopped, deleted}, p.id: {created, started, stopped, deleted},
	}
	got := map[string][]runtimeapi.ContainerEventType{}
	for range 8 {
		select {
		case e := <-events:
			got[e.ContainerId] = append(got[e.ContainerId], e.ContainerEventType)
			if e.PodSandboxStatus.GetMetadata().GetUid() != "uid-events" || e.CreatedAt == 0 {
				t.Errorf("event %v is not about the Pod", e)
			}
			if e.ContainerId == id && e.ContainerEventType == stopped &&
				(len(e.ContainersStatuses) != 1 || e.ContainersStatuses[0].State != runtimeapi.ContainerState_CONTAINER_EXITED) {
				t.Errorf("the event of the end has statuses %v", e.ContainersStatuses)
			}
		case <-ctx.Done():
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	for of, kinds := range want {
		if !slices.Equal(got[of], kinds) {
			t.Errorf("events of %.8s are %v, want %v", of, got[of], kinds)
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error(fmt.Errorf("GetContainerEvents ended without an error"))
	}
}
