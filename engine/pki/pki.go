// Package pki makes the lab's certificates and keys, and kubeconfigs that use them: one authority for the cluster, one
// for the API server's own requests to aggregated servers, and a certificate for everybody who speaks to anybody. They
// are kept in the lab's data directory and made anew when they are missing, damaged or about to expire.
//
// engine/lab and tests import it.
package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Options says where the certificates are and for whom.
type Options struct {
	// Dir is made with mode 0700; all files in it have mode 0600.
	Dir string
	// ServiceIP is the cluster IP of the Service kubernetes.default, as which Pods know the API server.
	ServiceIP net.IP
	// ServerIP is the API server's own address in the lab's network; nil when it has none.
	ServerIP net.IP
	// Nodes are the nodes' names; each gets a client and a serving certificate.
	Nodes []Node
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// Node is one node that needs certificates.
type Node struct {
	Name    string
	Address net.IP // InternalIP
}

// Pair is the files of one certificate and its key, in PEM.
type Pair struct{ CertFile, KeyFile string }

// Files is everything that [Ensure] has made or found.
type Files struct {
	// CA signs every certificate but the front proxy's.
	CA Pair
	// Server is the API server's serving certificate.
	Server Pair
	// Admin may do everything (group system:masters).
	Admin Pair
	// ControllerManager, Scheduler, Proxy, NetworkPolicy and KubeletClient are client certificates of the components: Proxy
	// is every node's service proxy's, NetworkPolicy that of who enforces NetworkPolicies, and KubeletClient is what the API
	// server shows to kubelets.
	ControllerManager, Scheduler, Proxy, NetworkPolicy, KubeletClient Pair
	// FrontProxyCA and FrontProxyClient are how the API server vouches for users to aggregated servers.
	FrontProxyCA, FrontProxyClient Pair
	// ServiceAccountKeyFile signs service account tokens.
	ServiceAccountKeyFile string
	// Nodes has the certificates of each node by name.
	Nodes map[string]NodeFiles
}

// NodeFiles are one node's certificates.
type NodeFiles struct {
	Client  Pair // user system:node:NAME, group system:nodes
	Serving Pair // for the kubelet's server
}

// Names that certificates carry; RBAC's default bindings and the Node authoriser know the components by them
// (k8s.io/apiserver/pkg/authentication/user; plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
const (
	adminUser             = "kubernetes-admin"
	mastersGroup          = "system:masters"
	controllerManagerUser = "system:kube-controller-manager"
	schedulerUser         = "system:kube-scheduler"
	proxyUser             = "system:kube-proxy"
	nodeUserPrefix        = "system:node:"
	nodesGroup            = "system:nodes"
	kubeletClientUser     = "kube-apiserver-kubelet-client"
	// FrontProxyClientName is the common name that aggregated servers and the API server accept from a front proxy.
	FrontProxyClientName = "front-proxy-client"
	// NetworkPolicyUser enforces NetworkPolicies. Upstream knows no such user: network plugins bring their own, and the
	// lab's API server gives this one its role.
	NetworkPolicyUser = "system:network-policy-agent"
)

// Ensure makes what is missing, damaged, expires within a month or no longer fits o, and returns the files. When an
// authority is made anew, so is everything that it has signed. Errors say which file could not be read or written.
func Ensure(o Options) (*Files, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dir == "" || o.ServiceIP == nil {
		return nil, errors.New("making certificates: Options.Dir and Options.ServiceIP are needed")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for certificates: %w", err)
	}
	if err := os.Chmod(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("closing the directory for certificates to others: %w", err)
	}
	d := directory{path: o.Dir, now: o.Now}
	files := &Files{Nodes: map[string]NodeFiles{}}

	ca, err := d.authority(&files.CA, "ca", "kubernetes")
	if err != nil {
		return nil, err
	}
	frontProxyCA, err := d.authority(&files.FrontProxyCA, "front-proxy-ca", "front-proxy-ca")
	if err != nil {
		return nil, err
	}
	serverIPs := []net.IP{net.IPv4(127, 0, 0, 1), o.ServiceIP}
	if o.ServerIP != nil {
		serverIPs = append(serverIPs, o.ServerIP)
	}
	wanted := []request{
		{&files.Server, "apiserver", leaf{
			name:      "kube-apiserver",
			dns:       []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			addresses: serverIPs,
			usage:     x509.ExtKeyUsageServerAuth,
		}, ca},
		{&files.Admin, "admin", client(adminUser, mastersGroup), ca},
		{&files.ControllerManager, "controller-manager", client(controllerManagerUser), ca},
		{&files.Scheduler, "scheduler", client(schedulerUser), ca},
		{&files.Proxy, "proxy", client(proxyUser), ca},
		{&files.NetworkPolicy, "network-policy", client(NetworkPolicyUser), ca},
		{&files.KubeletClient, "apiserver-kubelet-client", client(kubeletClientUser, mastersGroup), ca},
		{&files.FrontProxyClient, "front-proxy-client", client(FrontProxyClientName), frontProxyCA},
	}
	nodes := make([]NodeFiles, len(o.Nodes))
	for i, n := range o.Nodes {
		if n.Name == "" || filepath.Base(n.Name) != n.Name {
			return nil, fmt.Errorf("making certificates: %q cannot be a node's name", n.Name)
		}
		serving := leaf{name: nodeUserPrefix + n.Name, groups: []string{nodesGroup}, dns: []string{n.Name}, usage: x509.ExtKeyUsageServerAuth}
		if n.Address != nil {
			serving.addresses = []net.IP{n.Address}
		}
		wanted = append(wanted,
			request{&nodes[i].Client, n.Name, client(nodeUserPrefix+n.Name, nodesGroup), ca},
			request{&nodes[i].Serving, n.Name + "-serving", serving, ca})
	}
	for _, r := range wanted {
		if err := d.certificate(r); err != nil {
			return nil, err
		}
	}
	for i, n := range o.Nodes {
		files.Nodes[n.Name] = nodes[i]
	}
	files.ServiceAccountKeyFile, err = d.key("service-account")
	return files, err
}

// client describes the certificate of a user in groups.
func client(user string, groups ...string) leaf {
	return leaf{name: user, groups: groups, usage: x509.ExtKeyUsageClientAuth}
}

// request is one certificate that is wanted: where to name its files, their name, what is in it, who signs.
type request struct {
	pair     *Pair
	fileName string
	leaf     leaf
	signer   *authority
}

// leaf is what a certificate says.
type leaf struct {
	name      string
	groups    []string
	dns       []string
	addresses []net.IP
	usage     x509.ExtKeyUsage
}

// authority is a certificate that signs others.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}
