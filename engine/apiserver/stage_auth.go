package apiserver

import (
	"context"
	"net/http"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kubestep/kubestep/engine/trace"
)

// authenticatorTap reports who a request is from.
type authenticatorTap struct{ authenticator.Request }

func (a authenticatorTap) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	t := staged(r.Context())
	if t == nil {
		return a.Request.AuthenticateRequest(r)
	}
	span, err := t.begin(r.Context(), trace.StageAuthentication, &trace.StageDetail{})
	if err != nil {
		return nil, false, err
	}
	response, ok, err := a.Request.AuthenticateRequest(r)
	detail := &trace.StageDetail{Decision: "refused"}
	if ok && response != nil && response.User != nil {
		detail.Decision = "authenticated"
		if response.User.GetName() == user.Anonymous {
			detail.Decision = "anonymous"
		}
		detail.User, detail.Groups = response.User.GetName(), response.User.GetGroups()
	}
	end(span, err, detail)
	return response, ok, err
}

// authorizerTap reports whether a request may be carried out, and by which rule.
type authorizerTap struct{ authorizer.Authorizer }

func (a authorizerTap) Authorize(ctx context.Context, attributes authorizer.Attributes) (authorizer.Decision, string, error) {
	t := staged(ctx)
	if t == nil {
		return a.Authorizer.Authorize(ctx, attributes)
	}
	span, err := t.begin(ctx, trace.StageAuthorization, &trace.StageDetail{})
	if err != nil {
		return authorizer.DecisionDeny, "", err
	}
	decision, reason, err := a.Authorizer.Authorize(ctx, attributes)
	detail := &trace.StageDetail{Decision: "no opinion", Reason: reason}
	switch decision {
	case authorizer.DecisionAllow:
		detail.Decision = "allow"
	case authorizer.DecisionDeny:
		detail.Decision = "deny"
	}
	if u := attributes.GetUser(); u != nil {
		detail.User, detail.Groups = u.GetName(), u.GetGroups()
	}
	end(span, err, detail)
	return decision, reason, err
}
