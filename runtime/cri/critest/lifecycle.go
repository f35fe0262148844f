package critest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	crierrors "k8s.io/cri-api/pkg/errors"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func testVersion(t *testing.T, r Runtime) {
	v, err := r.Version(t.Context(), "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if v.RuntimeName == "" || v.RuntimeVersion == "" || v.RuntimeApiVersion != "v1" {
		t.Errorf("Version is %v", v)
	}
	s, err := r.Status(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	ready := map[string]bool{}
	for _, c := range s.Status.Conditions {
		ready[c.Type] = c.Status
	}
	if !ready[runtimeapi.RuntimeReady] || !ready[runtimeapi.NetworkReady] {
		t.Errorf("conditions are %v, want RuntimeReady and NetworkReady", s.Status.Conditions)
	}
}

func testLifecycle(t *testing.T, r Runtime) {
	p := newPod(t, r, "life")
	sb, err := r.PodSandboxStatus(t.Context(), p.id, false)
	if err != nil {
		t.Fatal(err)
	}
	if s := sb.Status; s.State != runtimeapi.PodSandboxState_SANDBOX_READY || s.CreatedAt == 0 ||
		s.Metadata.Name != "life" || s.Labels["io.kubernetes.pod.uid"] != "uid-life" || s.Annotations["note"] != "kept as it is" {
		t.Errorf("sandbox is %v", s)
	}

	id := p.create("main", sleepV1)
	st := containerStatus(t, r, id)
	if st.State != runtimeapi.ContainerState_CONTAINER_CREATED || st.CreatedAt == 0 || st.StartedAt != 0 {
		t.Errorf("after create: %v", st)
	}
	if err := r.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	st = containerStatus(t, r, id)
	if st.State != runtimeapi.ContainerState_CONTAINER_RUNNING || st.StartedAt < st.CreatedAt || st.FinishedAt != 0 {
		t.Errorf("after start: %v", st)
	}
	if st.Image.Image != sleepV1 || !strings.HasPrefix(st.ImageRef, "kubestep.dev/sleep@sha256:") ||
		st.Annotations["note"] != "kept as it is" || st.Metadata.Name != "main" {
		t.Errorf("after start: %v", st)
	}
	if err := r.StopContainer(t.Context(), id, 10); err != nil {
		t.Fatal(err)
	}
	st = containerStatus(t, r, id)
	if st.State != runtimeapi.ContainerState_CONTAINER_EXITED || st.FinishedAt < st.StartedAt || st.Reason == "" {
		t.Errorf("after stop: %v", st)
	}
	if err := r.RemoveContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ContainerStatus(t.Context(), id, false); !crierrors.IsNotFound(err) {
		t.Errorf("ContainerStatus after remove: %v, want NotFound", err)
	}
	if err := r.StopPodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	if sb, err = r.PodSandboxStatus(t.Context(), p.id, false); err != nil || sb.Status.State != runtimeapi.PodSandboxState_SANDBOX_NOTREADY {
		t.Errorf("after stop: %v, %v", sb, err)
	}
	if err := r.RemovePodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.PodSandboxStatus(t.Context(), p.id, false); !crierrors.IsNotFound(err) {
		t.Errorf("PodSandboxStatus after remove: %v, want NotFound", err)
	}
}

func testOrder(t *testing.T, r Runtime) {
	p := newPod(t, r, "order")
	id := p.start("main", sleepV1)
	if err := r.StartContainer(t.Context(), id); err == nil {
		t.Error("a running container was started again")
	}
	if err := r.StopContainer(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if err := r.StartContainer(t.Context(), id); err == nil {
		t.Error("an exited container was started again")
	}
	if _, _, err := r.ExecSync(t.Context(), id, []string{"true"}, 0); err == nil {
		t.Error("exec in an exited container succeeded")
	}
	created := p.create("second", sleepV1)
	if err := r.StopPodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	if err := r.StartContainer(t.Context(), created); err == nil {
		t.Error("a container was started in a stopped sandbox")
	}
	if _, err := p.tryCreate(t.Context(), "third", sleepV1); err == nil {
		t.Error("a container was created in a stopped sandbox")
	}
}

func testIdempotence(t *testing.T, r Runtime) {
	p := newPod(t, r, "again")
	id := p.start("main", sleepV1)
	for range 2 {
		if err := r.StopContainer(t.Context(), id, 0); err != nil {
			t.Errorf("StopContainer: %v", err)
		}
	}
	for range 2 {
		if err := r.RemoveContainer(t.Context(), id); err != nil {
			t.Errorf("RemoveContainer: %v", err)
		}
	}
	for range 2 {
		if err := r.StopPodSandbox(t.Context(), p.id); err != nil {
			t.Errorf("StopPodSandbox: %v", err)
		}
	}
	for range 2 {
		if err := r.RemovePodSandbox(t.Context(), p.id); err != nil {
			t.Errorf("RemovePodSandbox: %v", err)
		}
	}
	if err := r.StopContainer(t.Context(), id, 1); err != nil {
		t.Errorf("StopContainer after remove: %v", err)
	}
}

func testNotFound(t *testing.T, r Runtime) {
	const id = "0000000000000000000000000000000000000000000000000000000000000000"
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"PodSandboxStatus": func() error { _, err := r.PodSandboxStatus(ctx, id, false); return err },
		"ContainerStatus":  func() error { _, err := r.ContainerStatus(ctx, id, false); return err },
		"StartContainer":   func() error { return r.StartContainer(ctx, id) },
		"ContainerStats":   func() error { _, err := r.ContainerStats(ctx, id); return err },
		"ExecSync":         func() error { _, _, err := r.ExecSync(ctx, id, []string{"true"}, 0); return err },
		"Exec": func() error {
			_, err := r.Exec(ctx, &runtimeapi.ExecRequest{ContainerId: id, Cmd: []string{"true"}, Stdout: true})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v, want NotFound", name, err)
		}
	}
}

func testFilters(t *testing.T, r Runtime) {
	p, q := newPod(t, r, "one"), newPod(t, r, "two")
	a, b := p.start("main", sleepV1), q.create("main", sleepV1)
	ctx := t.Context()
	for _, tt := range []struct {
		name   string
		filter *runtimeapi.ContainerFilter
		want   string
	}{
		{"id", &runtimeapi.ContainerFilter{Id: b}, b},
		{"sandbox", &runtimeapi.ContainerFilter{PodSandboxId: p.id}, a},
		{"state", &runtimeapi.ContainerFilter{
			State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}}, a},
		{"label", &runtimeapi.ContainerFilter{
			PodSandboxId: q.id, LabelSelector: map[string]string{"io.kubernetes.container.name": "main"}}, b},
	} {
		list, err := r.ListContainers(ctx, tt.filter)
		if err != nil || len(list) != 1 || list[0].Id != tt.want {
			t.Errorf("by %s: %v, %v; want %s", tt.name, list, err, tt.want)
		}
	}
	if list, err := r.ListContainers(ctx, nil); err != nil || len(list) != 2 {
		t.Errorf("all containers: %v, %v", list, err)
	}
	none := &runtimeapi.ContainerFilter{LabelSelector: map[string]string{"io.kubernetes.container.name": "other"}}
	if list, err := r.ListContainers(ctx, none); err != nil || len(list) != 0 {
		t.Errorf("no containers: %v, %v", list, err)
	}
	if err := r.StopPodSandbox(ctx, q.id); err != nil {
		t.Fatal(err)
	}
	ready := &runtimeapi.PodSandboxFilter{State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY}}
	if list, err := r.ListPodSandbox(ctx, ready); err != nil || len(list) != 1 || list[0].Id != p.id {
		t.Errorf("ready sandboxes: %v, %v", list, err)
	}
	named := &runtimeapi.PodSandboxFilter{LabelSelector: map[string]string{"io.kubernetes.pod.name": "two"}}
	if list, err := r.ListPodSandbox(ctx, named); err != nil || len(list) != 1 || list[0].Id != q.id {
		t.Errorf("sandboxes by label: %v, %v", list, err)
	}
}

func testNames(t *testing.T, r Runtime) {
	p := newPod(t, r, "name")
	p.create("main", sleepV1)
	if id, err := p.tryCreate(t.Context(), "main", sleepV1); err == nil {
		t.Errorf("two containers with one name and attempt: %s", id)
	}
	if id, err := r.RunPodSandbox(t.Context(), p.config, ""); err == nil {
		t.Errorf("two sandboxes with one name and attempt: %s", id)
	}
}

func testAttempts(t *testing.T, r Runtime) {
	p := newPod(t, r, "restart")
	first := p.run("main", crashV1)
	second := p.run("main", crashV1, attempt(1))
	if first.Metadata.Attempt != 0 || second.Metadata.Attempt != 1 || first.Id == second.Id {
		t.Errorf("attempts are %v and %v", first.Metadata, second.Metadata)
	}
	if first.LogPath == second.LogPath {
		t.Errorf("both attempts log to %s", first.LogPath)
	}
	if got := p.text(second); !strings.Contains(got, "something went wrong") {
		t.Errorf("log of the second attempt is %q", got)
	}
}

func testExitCodes(t *testing.T, r Runtime) {
	p := newPod(t, r, "exit")
	for i, tt := range []struct {
		line   string
		code   int32
		reason string
	}{
		{"exit 0", 0, "Completed"}, {"exit 1", 1, "Error"}, {"exit 42", 42, "Error"}, {"false", 1, "Error"},
		{"nosuchprogram", 127, "Error"},
	} {
		st := p.shell(fmt.Sprintf("c%d", i), tt.line)
		if st.ExitCode != tt.code || st.Reason != tt.reason {
			t.Errorf("%q: exit code %d, reason %s; want %d, %s", tt.line, st.ExitCode, st.Reason, tt.code, tt.reason)
		}
	}
	if st := p.run("crash", crashV1, args("--code", "3")); st.ExitCode != 3 {
		t.Errorf("crash --code 3: exit code %d", st.ExitCode)
	}
}

func testCommandNotFound(t *testing.T, r Runtime) {
	p := newPod(t, r, "lost")
	id := p.create("main", tools, command("/no/such/program"))
	err := r.StartContainer(t.Context(), id)
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("StartContainer: %v, want an error that names the program", err)
	}
	if st := containerStatus(t, r, id); st.State != runtimeapi.ContainerState_CONTAINER_EXITED || st.ExitCode == 0 {
		t.Errorf("container is %v", st)
	}
}

func testStopWithGrace(t *testing.T, r Runtime) {
	p := newPod(t, r, "grace")
	web := p.start("web", webV1)
	p.waitLog(web, "listening")
	if err := r.StopContainer(t.Context(), web, 30); err != nil {
		t.Fatal(err)
	}
	st := containerStatus(t, r, web)
	if st.ExitCode != 0 || st.Reason != "Completed" || !strings.Contains(p.text(st), "got SIGTERM") {
		t.Errorf("web: exit code %d, %s, log %q; want 0 after SIGTERM", st.ExitCode, st.Reason, p.text(st))
	}
	trap := p.start("trap", tools, command("sh", "-c", `trap 'echo bye; exit 7' TERM; echo up; while true; do sleep 0.01; done`))
	p.waitLog(trap, "up")
	if err := r.StopContainer(t.Context(), trap, 30); err != nil {
		t.Fatal(err)
	}
	if st := containerStatus(t, r, trap); st.ExitCode != 7 || !strings.HasSuffix(p.text(st), "bye\n") {
		t.Errorf("trap: exit code %d, log %q", st.ExitCode, p.text(st))
	}
}

func testStopKillsAfterGrace(t *testing.T, r Runtime) {
	p := newPod(t, r, "kill")
	id := p.start("main", stubborn)
	p.waitLog(id, "running")
	start := time.Now()
	if err := r.StopContainer(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("killed after %s, want a grace of 1 s", took)
	}
	st := containerStatus(t, r, id)
	if st.ExitCode != 137 || st.Reason != "Error" || !strings.Contains(p.text(st), "ignoring it") {
		t.Errorf("exit code %d, %s, log %q; want 137 after an ignored SIGTERM", st.ExitCode, st.Reason, p.text(st))
	}
}

func testStopAtOnce(t *testing.T, r Runtime) {
	p := newPod(t, r, "now")
	id := p.start("web", webV1)
	p.waitLog(id, "listening")
	if err := r.StopContainer(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if st := containerStatus(t, r, id); st.ExitCode != 137 || strings.Contains(p.text(st), "SIGTERM") {
		t.Errorf("exit code %d, log %q; want 137 without SIGTERM", st.ExitCode, p.text(st))
	}
}

func testStopSandboxKills(t *testing.T, r Runtime) {
	p := newPod(t, r, "down")
	a, b := p.start("a", stubborn), p.start("b", sleepV1)
	if err := r.StopPodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{a, b} {
		if st := containerStatus(t, r, id); st.State != runtimeapi.ContainerState_CONTAINER_EXITED || st.ExitCode != 137 {
			t.Errorf("container is %v, want exited with 137", st)
		}
	}
}

func testRemoveRunning(t *testing.T, r Runtime) {
	p := newPod(t, r, "gone")
	id := p.start("main", stubborn)
	if err := r.RemoveContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if list, err := r.ListContainers(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("containers after remove: %v, %v", list, err)
	}
	p.start("other", stubborn)
	if err := r.RemovePodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	if list, err := r.ListContainers(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("containers after sandbox remove: %v, %v", list, err)
	}
}

func testConcurrency(t *testing.T, r Runtime) {
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			config := podConfig(r, fmt.Sprintf("many-%d", i))
			id, err := r.RunPodSandbox(t.Context(), config, "")
			if err != nil {
				t.Errorf("RunPodSandbox: %v", err)
				return
			}
			p := &pod{t: t, r: r, config: config, id: id}
			c, err := p.tryCreate(t.Context(), "main", tools, command("sh", "-c", "echo $HOSTNAME; sleep infinity"))
			if err == nil {
				err = r.StartContainer(t.Context(), c)
			}
			if err != nil {
				t.Errorf("start: %v", err)
				return
			}
			out, _, err := r.ExecSync(t.Context(), c, []string{"hostname"}, deadline)
			if err != nil || strings.TrimSpace(string(out)) != config.Hostname {
				t.Errorf("hostname: %q, %v", out, err)
			}
			if i%2 == 0 {
				if err := r.RemovePodSandbox(t.Context(), id); err != nil {
					t.Errorf("RemovePodSandbox: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if list, err := r.ListPodSandbox(t.Context(), nil); err != nil || len(list) != 25 {
		t.Errorf("%d sandboxes are left, %v; want 25", len(list), err)
	}
}

func testConcurrentStopRemove(t *testing.T, r Runtime) {
	p := newPod(t, r, "race")
	id := p.start("main", stubborn)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				err = r.StopContainer(t.Context(), id, 0)
			case 1:
				err = r.RemoveContainer(t.Context(), id)
			case 2:
				err = r.StopPodSandbox(t.Context(), p.id)
			}
			if err != nil {
				t.Errorf("call %d: %v", i%3, err)
			}
		})
	}
	wg.Wait()
	if _, err := r.ContainerStatus(t.Context(), id, false); !crierrors.IsNotFound(err) {
		t.Errorf("container after remove: %v, want NotFound", err)
	}
}
