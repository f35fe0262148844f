package kubelet

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/server"
)

// newAuth decides who may use the kubelet's server: a client certificate or a token that the API server accepts, nobody
// anonymous, and then what the API server's authorizer says. It is cmd/kubelet/app/auth.go without the modes that the
// lab does not use; that package is not imported because it brings every volume plugin along.
func newAuth(ctx context.Context, name types.NodeName, client kubernetes.Interface, c *kubeletconfig.KubeletConfiguration) (server.AuthInterface, error) {
	ca, err := dynamiccertificates.NewDynamicCAContentFromFile("client-ca-bundle", c.Authentication.X509.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority of the kubelet's clients: %w", err)
	}
	authenticator, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		Anonymous:                          &apiserver.AnonymousAuthConfig{Enabled: c.Authentication.Anonymous.Enabled},
		CacheTTL:                           c.Authentication.Webhook.CacheTTL.Duration,
		ClientCertificateCAContentProvider: ca,
		WebhookRetryBackoff:                genericoptions.DefaultAuthWebhookRetryBackoff(),
		TokenAccessReviewClient:            client.AuthenticationV1(),
	}.New()
	if err != nil {
		return nil, fmt.Errorf("build the authenticator of the kubelet's server: %w", err)
	}
	authorizer, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client.AuthorizationV1(),
		AllowCacheTTL:             c.Authorization.Webhook.CacheAuthorizedTTL.Duration,
		DenyCacheTTL:              c.Authorization.Webhook.CacheUnauthorizedTTL.Duration,
		WebhookRetryBackoff:       genericoptions.DefaultAuthWebhookRetryBackoff(),
	}.New()
	if err != nil {
		return nil, fmt.Errorf("build the authorizer of the kubelet's server: %w", err)
	}
	go ca.Run(ctx, 1)
	return server.NewKubeletAuth(authenticator, server.NewNodeAuthorizerAttributesGetter(name), authorizer, ca), nil
}
