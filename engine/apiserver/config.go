// Package apiserver runs kube-apiserver - the core API, CRDs and aggregation - inside the process and reports what
// happens in it: requests that come from outside the lab, and each stage of every request.
//
// engine/lab and tests import it.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"

	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/trace"
)

// Options says what the server is made of.
type Options struct {
	// Port on 127.0.0.1, 0 for any that is free.
	Port int
	// Etcd is the member's URL ("unix:///run/etcd.sock").
	Etcd string
	// Certificates are the lab's.
	Certificates *pki.Files
	// ServiceRange is where Services get their cluster IPs from ("10.96.0.0/16").
	ServiceRange string
	// Advertise is where in the lab's network Pods reach the server: the endpoint of the Service kubernetes.default. No
	// socket of the host has it; whoever carries connections from there dials [Server.Address]. Invalid means nowhere: the
	// Service has no endpoints.
	Advertise netip.AddrPort
	// DialNode connects to addresses of the lab's network: kubelets for logs and exec, Pods and Services for proxies,
	// webhooks and aggregated servers. Nothing of it may reach the host's network. When nil, every such connection fails.
	DialNode func(ctx context.Context, network, address string) (net.Conn, error)
	// AuditPolicyFile and AuditLogFile switch auditing on.
	AuditPolicyFile, AuditLogFile string
	// Tap takes the events; nil reports none.
	Tap *trace.Tap
	// EveryPlugin, when not nil, is asked for each request from inside the lab whether to report every admission plugin,
	// so that each can be held, or only those that changed or refused something. Requests from outside report all.
	EveryPlugin func() bool
	Log         *slog.Logger
}

// Config is a complete configuration, made by [Options.Complete].
type Config struct {
	options  Options
	upstream *apiserveroptions.ServerRunOptions
}

// issuer is who signs service account tokens, as kubeadm names it.
const issuer = "https://kubernetes.default.svc.cluster.local"

// Complete checks o and fills in what it leaves out.
func (o Options) Complete() (Config, error) {
	switch {
	case o.Etcd == "" || o.Certificates == nil || o.Log == nil || o.ServiceRange == "":
		return Config{}, errors.New("configuring the API server: Options.Etcd, Certificates, ServiceRange and Log are needed")
	case o.Port < 0 || o.Port > 65535:
		return Config{}, fmt.Errorf("configuring the API server: %d is not a port", o.Port)
	}
	if o.DialNode == nil {
		o.DialNode = func(_ context.Context, _, address string) (net.Conn, error) {
			return nil, fmt.Errorf("connecting to %s: the lab has no nodes", address)
		}
	}
	if o.EveryPlugin == nil {
		o.EveryPlugin = func() bool { return false }
	}
	return Config{options: o, upstream: upstreamOptions(o)}, nil
}

// upstreamOptions returns kube-apiserver's own options, set as a cluster of kubeadm's sets them but where it says why
// not.
func upstreamOptions(o Options) *apiserveroptions.ServerRunOptions {
	s := apiserveroptions.NewServerRunOptions()
	certs := o.Certificates

	s.Etcd.StorageConfig.Transport.ServerList = []string{o.Etcd}
	// Old revisions are the lab's history. etcd drops those of earlier runs when it starts.
	s.Etcd.StorageConfig.CompactionInterval = 0
	// Polling for metrics that nobody reads would keep an idle lab awake.
	s.Etcd.StorageConfig.CountMetricPollPeriod = 0
	s.Etcd.StorageConfig.DBMetricPollInterval = 0

	loopback := net.IPv4(127, 0, 0, 1)
	s.SecureServing.BindAddress = loopback
	s.SecureServing.ServerCert.CertKey.CertFile = certs.Server.CertFile
	s.SecureServing.ServerCert.CertKey.KeyFile = certs.Server.KeyFile
	// Otherwise upstream looks for the host's address, which fails without a network and is nobody's business.
	s.GenericServerRunOptions.AdvertiseAddress = loopback
	s.GenericServerRunOptions.ExternalHost = "localhost"
	// Loopback cannot be an endpoint of the Service kubernetes.default: Pods would reach themselves.
	s.EndpointReconcilerType = string(reconcilers.NoneEndpointReconcilerType)
	if o.Advertise.IsValid() {
		s.GenericServerRunOptions.AdvertiseAddress = o.Advertise.Addr().AsSlice()
		// Upstream's default writes a lease to etcd every ten seconds, so that several servers find each other.
		s.EndpointReconcilerType = string(reconcilers.MasterCountReconcilerType)
	}
	s.ServiceClusterIPRanges = o.ServiceRange

	s.Authentication.ClientCert.ClientCA = certs.CA.CertFile
	s.Authentication.RequestHeader.ClientCAFile = certs.FrontProxyCA.CertFile
	s.Authentication.RequestHeader.AllowedNames = []string{pki.FrontProxyClientName}
	s.Authentication.RequestHeader.UsernameHeaders = []string{"X-Remote-User"}
	s.Authentication.RequestHeader.GroupHeaders = []string{"X-Remote-Group"}
	s.Authentication.RequestHeader.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	s.ProxyClientCertFile = certs.FrontProxyClient.CertFile
	s.ProxyClientKeyFile = certs.FrontProxyClient.KeyFile
	s.Authentication.ServiceAccounts.Issuers = []string{issuer}
	s.Authentication.ServiceAccounts.KeyFiles = []string{certs.ServiceAccountKeyFile}
	s.ServiceAccountSigningKeyFile = certs.ServiceAccountKeyFile

	s.Authorization.Modes = []string{"Node", "RBAC"}
	s.Admission.GenericAdmission.EnablePlugins = []string{"NodeRestriction"}
	s.AllowPrivileged = true
	s.Features.EnableProfiling = false

	s.KubeletConfig.TLSClientConfig.CertFile = certs.KubeletClient.CertFile
	s.KubeletConfig.TLSClientConfig.KeyFile = certs.KubeletClient.KeyFile
	s.KubeletConfig.TLSClientConfig.CAFile = certs.CA.CertFile
	s.KubeletConfig.PreferredAddressTypes = []string{"InternalIP", "Hostname"}

	s.Audit.PolicyFile = o.AuditPolicyFile
	s.Audit.LogOptions.Path = o.AuditLogFile
	return s
}
