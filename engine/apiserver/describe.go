package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

// of returns the kind of the resource that a request is about, "" when it is not known.
func (k kinds) of(info *apirequest.RequestInfo) string {
	return k[schema.GroupVersionResource{Group: info.APIGroup, Version: info.APIVersion, Resource: info.Resource}]
}

// connects reports whether a request opens a stream rather than reads or writes an object.
func connects(info *apirequest.RequestInfo) bool {
	switch info.Subresource {
	case "exec", "attach", "portforward", "proxy":
		return true
	}
	return info.Verb == "proxy"
}

// background reports whether a request goes on all the time and teaches nothing by itself. A list from outside is what
// somebody asked for; one of the server's own fills a cache.
func background(info *apirequest.RequestInfo, loopback bool) bool {
	if !info.IsResourceRequest || info.Verb == "watch" || loopback && info.Verb == "list" {
		return true
	}
	switch info.APIGroup {
	case "coordination.k8s.io", "authentication.k8s.io", "authorization.k8s.io":
		return true
	}
	return info.Subresource == "token"
}
