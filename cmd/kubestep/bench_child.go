package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/bench"
	"github.com/kubestep/kubestep/engine"
)

// pausedFor is how long the idle CPU of a paused lab is measured.
const pausedFor = 10 * time.Second

// benchChildCommand is what `kubestep bench` starts for each lab.
func (a *app) benchChildCommand() *cobra.Command {
	var (
		f    labFlags
		pods int
		taps bool
	)
	cmd := &cobra.Command{
		Use:    "bench-child",
		Short:  "Measure one lab",
		Hidden: true,
		Args:   args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			f.noTaps = !taps
			sample, err := a.measureLab(ctx, f, pods)
			if err != nil {
				return err
			}
			return writeJSON(cmd.OutOrStdout(), sample)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().IntVar(&pods, "pods", 200, "number of Pods in the rollout")
	cmd.Flags().BoolVar(&taps, "taps", true, "with taps")
	return cmd
}

func (a *app) measureLab(ctx context.Context, f labFlags, pods int) (s bench.Sample, err error) {
	lab, err := a.newLab(f)
	if err != nil {
		return s, err
	}
	defer func() {
		if e := lab.Close(); err == nil {
			err = e
		}
	}()
	lab.start(context.WithoutCancel(ctx))
	status, err := ready(ctx, lab, nil)
	if err != nil {
		return s, err
	}
	s.ReadyMs = milliseconds(status.Took)
	for _, p := range status.Phases {
		s.Phases = append(s.Phases, bench.Phase{Name: p.Name, DoneMs: milliseconds(p.Took)})
	}
	if err := measureIdle(ctx, lab, &s); err != nil {
		return s, err
	}
	return s, measureRollout(ctx, lab, status.Kubeconfig, pods, &s)
}

// measureIdle measures memory and CPU while the lab is paused.
func measureIdle(ctx context.Context, lab engine.Lab, s *bench.Sample) error {
	if err := lab.Debugger().Settle(ctx, settled); err != nil {
		return err
	}
	var err error
	if s.RSSBytes, err = bench.RSS(os.Getpid()); err != nil {
		return err
	}
	if _, err := lab.Debugger().Do(ctx, engine.Command{Verb: engine.Pause}); err != nil {
		return err
	}
	before, err := bench.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-time.After(pausedFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := bench.CPU()
	if err != nil {
		return err
	}
	s.IdleCores = float64(after-before) / float64(time.Since(began))
	_, err = lab.Debugger().Do(ctx, engine.Command{Verb: engine.Continue})
	return err
}

// measureRollout makes a Deployment and waits until all of its Pods are available.
func measureRollout(ctx context.Context, lab engine.Lab, kubeconfig string, pods int, s *bench.Sample) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the lab's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	deployments := client.AppsV1().Deployments(metav1.NamespaceDefault)
	_, eventsBefore := lab.Events().Len()
	began := time.Now()
	if _, err := deployments.Create(ctx, deployment("bench", pods), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create a Deployment: %w", err)
	}
	watch, err := deployments.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=bench"})
	if err != nil {
		return fmt.Errorf("watch the Deployment: %w", err)
	}
	defer watch.Stop()
	for {
		select {
		case event, ok := <-watch.ResultChan():
			if !ok {
				return fmt.Errorf("the watch on the Deployment ended after %s", time.Since(began))
			}
			if d, ok := event.Object.(*appsv1.Deployment); !ok || int(d.Status.AvailableReplicas) < pods {
				continue
			}
			s.RolloutMs = milliseconds(time.Since(began))
			_, eventsAfter := lab.Events().Len()
			s.Events = eventsAfter - eventsBefore
			s.RolloutRSS, err = bench.RSS(os.Getpid())
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func deployment(name string, replicas int) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	n := int32(replicas) //nolint:gosec // a number of Pods
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &n,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "kubestep.dev/web:v1"}}},
			},
		},
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
