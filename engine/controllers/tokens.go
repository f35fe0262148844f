package controllers

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/config"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
	upstream "k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// tokenController fills Secrets that ask for a service account's long-lived token.
type tokenController struct {
	*upstream.TokensController
	workers int
}

// newTokenController does what upstream's newServiceAccountTokenController does
// (cmd/kube-controller-manager/app/service_accounts.go); that is built with a client of the controller manager's own
// identity, which cannot be handed in from outside.
func newTokenController(ctx context.Context, c *config.CompletedConfig, shared informers.SharedInformerFactory, root rootClients) (*tokenController, error) {
	options := c.ComponentConfig.SAController
	key, err := keyutil.PrivateKeyFromFile(options.ServiceAccountKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the service accounts' key: %w", err)
	}
	rootCA, err := os.ReadFile(options.RootCAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the root certificate: %w", err)
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return nil, fmt.Errorf("making a signer of tokens: %w", err)
	}
	client, err := kubernetes.NewForConfig(root.as(names.ServiceAccountTokenController, "tokens-controller"))
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	inner, err := upstream.NewTokensController(klog.FromContext(ctx),
		shared.Core().V1().ServiceAccounts(), shared.Core().V1().Secrets(), client,
		upstream.TokensControllerOptions{TokenGenerator: generator, RootCA: rootCA})
	if err != nil {
		return nil, err
	}
	return &tokenController{inner, int(options.ConcurrentSATokenSyncs)}, nil
}

// Name implements app.Controller.
func (*tokenController) Name() string { return names.ServiceAccountTokenController }

// Run implements app.Controller.
func (t *tokenController) Run(ctx context.Context) { t.TokensController.Run(ctx, t.workers) }
