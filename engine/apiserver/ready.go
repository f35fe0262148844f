package apiserver

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Step is one step of the start.
type Step struct {
	Name string
	Took time.Duration // from Run to the step's end
}

type steps []Step

func (s *steps) done(name string, began time.Time) {
	*s = append(*s, Step{name, time.Since(began)})
}

const (
	readyPoll    = 3 * time.Millisecond
	readyzPoll   = 100 * time.Millisecond
	readyTimeout = 30 * time.Second
)

// awaitReady returns when the components can start.
func (s *Server) awaitReady(ctx context.Context, loopback *rest.Config, authorizer authorizer.Authorizer, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	config := rest.CopyConfig(loopback)
	config.QPS = -1 // the server protects itself
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for the API server: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"answers", func(ctx context.Context) error {
			return until(ctx, func() error { return client.RESTClient().Get().AbsPath("/livez/ping").Do(ctx).Error() })
		}},
		{"policy", func(ctx context.Context) error { return ensurePolicy(ctx, client) }},
		{"namespaces", func(ctx context.Context) error {
			return until(ctx, func() error { return namespacesExist(ctx, client, s.config.upstream.SystemNamespaces) })
		}},
		{"authorizer", func(ctx context.Context) error { return awaitAuthorizer(ctx, authorizer) }},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("waiting until the API server is ready (%s): %w", step.name, err)
		}
		s.steps.done(step.name, began)
	}
	return nil
}

// until calls do until it succeeds. When ctx ends first it returns ctx's error with do's last.
func until(ctx context.Context, do func() error) error {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

func namespacesExist(ctx context.Context, client kubernetes.Interface, names []string) error {
	for _, name := range names {
		if _, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// awaitAuthorizer waits until the server knows what the components may do: its caches hold the bootstrap policy.
func awaitAuthorizer(ctx context.Context, a authorizer.Authorizer) error {
	for _, need := range []authorizer.AttributesRecord{
		{User: component(user.KubeScheduler), Verb: "list", APIVersion: "v1", Resource: "pods", ResourceRequest: true},
		{User: component(user.KubeControllerManager), Verb: "list", APIGroup: "apps", APIVersion: "v1", Resource: "deployments", ResourceRequest: true},
		{User: component(user.APIServerUser, user.SystemPrivilegedGroup), Verb: "list", APIVersion: "v1", Resource: "pods", ResourceRequest: true},
	} {
		if err := until(ctx, func() error {
			decision, reason, err := a.Authorize(ctx, need)
			if err == nil && decision != authorizer.DecisionAllow {
				err = fmt.Errorf("%s may not %s %s: %s", need.User.GetName(), need.Verb, need.Resource, reason)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func component(name string, groups ...string) user.Info {
	return &user.DefaultInfo{Name: name, Groups: append(groups, user.AllAuthenticated)}
}
