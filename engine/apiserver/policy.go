package apiserver

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	schedulingv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	"github.com/kubestep/kubestep/engine/pki"
)

// policyWriters is how many objects are written at a time.
const policyWriters = 8

// ensurePolicy writes upstream's default roles, bindings and priority classes on a first start. Upstream does it as well, but sleeps for a
// second first; then it finds them, and mends what differs. On later starts there is nothing to write.
func ensurePolicy(ctx context.Context, client kubernetes.Interface) error {
	rbac := client.RbacV1()
	present, err := rbac.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing cluster role bindings: %w", err)
	}
	if len(present.Items) > 0 {
		return nil
	}
	writers, ctx := errgroup.WithContext(ctx)
	writers.SetLimit(policyWriters)
	write := func(kind, name string, create func() error) {
		writers.Go(func() error {
			if err := create(); err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("writing %s %s: %w", kind, name, err)
			}
			return nil
		})
	}
	roles := append(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()...)
	roles = append(roles, networkPolicyRole())
	for _, role := range roles {
		write("ClusterRole", role.Name, func() error {
			_, err := rbac.ClusterRoles().Create(ctx, &role, metav1.CreateOptions{})
			return err
		})
	}
	for _, class := range schedulingv1.SystemPriorityClasses() {
		write("PriorityClass", class.Name, func() error {
			_, err := client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
			return err
		})
	}
	var bindings []rbacv1.ClusterRoleBinding
	bindings = append(bindings, bootstrappolicy.ClusterRoleBindings()...)
	bindings = append(bindings, bootstrappolicy.ControllerRoleBindings()...)
	bindings = append(bindings, networkPolicyBinding())
	for _, binding := range bindings {
		write("ClusterRoleBinding", binding.Name, func() error {
			_, err := rbac.ClusterRoleBindings().Create(ctx, &binding, metav1.CreateOptions{})
			return err
		})
	}
	return writers.Wait()
}

// networkPolicyRole is what a network plugin's manifest would bring along: what who enforces NetworkPolicies may read.
func networkPolicyRole() rbacv1.ClusterRole {
	watch := []string{"get", "list", "watch"}
	return rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: pki.NetworkPolicyUser},
		Rules: []rbacv1.PolicyRule{
			{Verbs: watch, APIGroups: []string{""}, Resources: []string{"pods", "namespaces"}},
			{Verbs: watch, APIGroups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}},
		},
	}
}

func networkPolicyBinding() rbacv1.ClusterRoleBinding {
	return rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: pki.NetworkPolicyUser},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: pki.NetworkPolicyUser},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: pki.NetworkPolicyUser}},
	}
}
