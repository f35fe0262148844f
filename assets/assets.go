// Package assets holds the files that the lab ships. It has no logic; everything may import it, and it imports nothing of
// this module.
package assets

import _ "embed"

// CoreDNS is the manifest of the cluster's DNS server, as YAML documents in the order in which they are applied. It is
// what kubeadm v1.36 installs (cmd/kubeadm/app/phases/addons/dns/manifests.go), but for what its first lines
// say.
//
//go:embed coredns/coredns.yaml
var CoreDNS []byte
