package controllers

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/controller-manager/pkg/clientbuilder"

	"github.com/kubestep/kubestep/engine/tap"
	"github.com/kubestep/kubestep/engine/trace"
)

// rootClients makes clients with the controller manager's own identity, for what controllers share.
type rootClients struct {
	tap    *trace.Tap
	config *rest.Config
}

// as returns the configuration for the client that upstream calls name, of the given actor.
func (r rootClients) as(actor, name string) *rest.Config {
	return r.tapped(tap.Client{Actor: actor, Process: process, Name: name})
}

// forCredentials returns the configuration for the client that makes the controllers' service accounts and fetches their
// tokens. A controller asks for its token in the middle of its first request: were that held, the request could not be
// stepped.
func (r rootClients) forCredentials() *rest.Config {
	return r.tapped(tap.Client{Actor: process, Name: process, Background: true})
}

func (r rootClients) tapped(client tap.Client) *rest.Config {
	c := rest.CopyConfig(r.config)
	c.UserAgent = tap.UserAgent(process, client.Name)
	c.Wrap(tap.New(r.tap, client))
	return c
}

// namedClients makes clients for single controllers. Each has a service account of its own in kube-system, which limits
// what it may do, as with --use-service-account-credentials.
type namedClients struct {
	tap      *trace.Tap
	accounts clientbuilder.ControllerClientBuilder
}

var _ clientbuilder.ControllerClientBuilder = (*namedClients)(nil)

func newNamedClients(t *trace.Tap, config *rest.Config, root rootClients) (*namedClients, error) {
	client, err := kubernetes.NewForConfig(root.forCredentials())
	if err != nil {
		return nil, err
	}
	return &namedClients{
		tap: t,
		accounts: clientbuilder.NewDynamicClientBuilder(
			rest.AnonymousClientConfig(config), client.CoreV1(), metav1.NamespaceSystem),
	}, nil
}

// Config returns the configuration for the controller with the given name, whose service account exists then.
func (n *namedClients) Config(name string) (*rest.Config, error) {
	c, err := n.accounts.Config(name)
	if err != nil {
		return nil, fmt.Errorf("getting the service account of %s: %w", name, err)
	}
	c.UserAgent = tap.UserAgent(process, serviceaccount.MakeUsername(metav1.NamespaceSystem, name))
	c.Wrap(tap.New(n.tap, tap.Client{Actor: name, Process: process}))
	return c, nil
}

// Client returns a client for the controller with the given name.
func (n *namedClients) Client(name string) (kubernetes.Interface, error) {
	c, err := n.Config(name)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(c)
}

// DiscoveryClient returns a discovery client for the controller with the given name.
func (n *namedClients) DiscoveryClient(name string) (discovery.DiscoveryInterface, error) {
	c, err := n.Config(name)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(c)
}

// The ...OrDie methods belong to the interface. Upstream's controllers do not call them any more; if one does, there is
// no way to go on without the client, and a panic says where.

// ConfigOrDie is Config for callers that cannot fail.
func (n *namedClients) ConfigOrDie(name string) *rest.Config { return must(n.Config(name)) }

// ClientOrDie is Client for callers that cannot fail.
func (n *namedClients) ClientOrDie(name string) kubernetes.Interface { return must(n.Client(name)) }

// DiscoveryClientOrDie is DiscoveryClient for callers that cannot fail.
func (n *namedClients) DiscoveryClientOrDie(name string) discovery.DiscoveryInterface {
	return must(n.DiscoveryClient(name))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
