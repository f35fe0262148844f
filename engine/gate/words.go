package gate

import (
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// verbs says what the verbs of each kind of event are. No verb belongs to two kinds, so that a verb tells its kind.
var verbs = map[trace.Kind][]string{
	trace.APIRequest: {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "connect"},
	trace.APIStage: {trace.StageAuthentication, trace.StageFairness, trace.StageAuthorization, trace.StageMutating,
		trace.StageValidating, trace.StageStorage},
	trace.EtcdCommit:   {"put"}, // and delete, which is more often meant as the request's
	trace.WatchDeliver: {"added", "modified", "deleted", "bookmark"},
	trace.SchedPhase: {"prefilter", "filter", "postfilter", "prescore", "score", "reserve", "permit", "prebind", "bind",
		"postbind", "unreserve"},
	// The methods of RuntimeService and ImageManagerService: k8s.io/cri-api/pkg/apis/services.go. Status is left out: as
	// a word it means the subresource.
	trace.CRICall: {"Version", "CreateContainer", "StartContainer", "StopContainer", "RemoveContainer", "ListContainers",
		"ContainerStatus", "UpdateContainerResources", "ExecSync", "Exec", "Attach", "ReopenContainerLog",
		"CheckpointContainer", "GetContainerEvents", "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox",
		"PodSandboxStatus", "ListPodSandbox", "PortForward", "UpdatePodSandboxResources", "ContainerStats",
		"ListContainerStats", "PodSandboxStats", "ListPodSandboxStats", "ListMetricDescriptors", "ListPodSandboxMetrics",
		"UpdateRuntimeConfig", "RuntimeConfig", "ListImages", "ImageStatus", "PullImage", "RemoveImage", "ImageFsInfo",
		"signal", "exit"},
	trace.DNSQuery: {"ask", "serve"},
	// The points of a packet's path: runtime/network.
	trace.NetHop: {"veth", "bridge", "prerouting", "output", "routing", "forward", "postrouting", "vxlan-encap",
		"vxlan-decap", "wire", "local"},
	trace.NetFault: {"set", "heal"},
}

var kinds = []string{string(trace.APIRequest), string(trace.APIStage), string(trace.EtcdCommit),
	string(trace.WatchDeliver), string(trace.SchedPhase), string(trace.CRICall), string(trace.NetHop),
	string(trace.DNSQuery), string(trace.NetFault)}

// subresources are those of the built-in API and of CRDs. The CRI methods Exec, Attach and PortForward are written
// verb=Exec.
var subresources = []string{"status", "scale", "binding", "eviction", "token", "log", "exec", "attach", "portforward",
	"proxy", "ephemeralcontainers", "resize", "approval", "finalize"}

// resources are the built-in ones: kind, plural, short names.
var resources = [][]string{
	{"pod", "pods", "po"}, {"podtemplate", "podtemplates"}, {"node", "nodes", "no"}, {"namespace", "namespaces", "ns"},
	{"service", "services", "svc"}, {"endpoints", "endpoints", "ep"}, {"endpointslice", "endpointslices"},
	{"configmap", "configmaps", "cm"}, {"secret", "secrets"}, {"serviceaccount", "serviceaccounts", "sa"},
	{"persistentvolume", "persistentvolumes", "pv"}, {"persistentvolumeclaim", "persistentvolumeclaims", "pvc"},
	{"replicationcontroller", "replicationcontrollers", "rc"}, {"resourcequota", "resourcequotas", "quota"},
	{"limitrange", "limitranges", "limits"}, {"event", "events", "ev"}, {"deployment", "deployments", "deploy"},
	{"replicaset", "replicasets", "rs"}, {"statefulset", "statefulsets", "sts"}, {"daemonset", "daemonsets", "ds"},
	{"controllerrevision", "controllerrevisions"}, {"job", "jobs"}, {"cronjob", "cronjobs", "cj"},
	{"horizontalpodautoscaler", "horizontalpodautoscalers", "hpa"},
	{"poddisruptionbudget", "poddisruptionbudgets", "pdb"}, {"ingress", "ingresses", "ing"},
	{"ingressclass", "ingressclasses"}, {"networkpolicy", "networkpolicies", "netpol"}, {"ipaddress", "ipaddresses", "ip"},
	{"servicecidr", "servicecidrs"}, {"role", "roles"}, {"rolebinding", "rolebindings"}, {"clusterrole", "clusterroles"},
	{"clusterrolebinding", "clusterrolebindings"}, {"storageclass", "storageclasses", "sc"},
	{"volumeattachment", "volumeattachments"}, {"csidriver", "csidrivers"}, {"csinode", "csinodes"},
	{"csistoragecapacity", "csistoragecapacities"}, {"lease", "leases"}, {"priorityclass", "priorityclasses", "pc"},
	{"runtimeclass", "runtimeclasses"}, {"customresourcedefinition", "customresourcedefinitions", "crd", "crds"},
	{"apiservice", "apiservices"}, {"mutatingwebhookconfiguration", "mutatingwebhookconfigurations"},
	{"validatingwebhookconfiguration", "validatingwebhookconfigurations"},
	{"validatingadmissionpolicy", "validatingadmissionpolicies"},
	{"validatingadmissionpolicybinding", "validatingadmissionpolicybindings"},
	{"mutatingadmissionpolicy", "mutatingadmissionpolicies"},
	{"mutatingadmissionpolicybinding", "mutatingadmissionpolicybindings"},
	{"certificatesigningrequest", "certificatesigningrequests", "csr"}, {"flowschema", "flowschemas"},
	{"prioritylevelconfiguration", "prioritylevelconfigurations"}, {"tokenreview", "tokenreviews"},
	{"subjectaccessreview", "subjectaccessreviews"}, {"selfsubjectaccessreview", "selfsubjectaccessreviews"},
	{"localsubjectaccessreview", "localsubjectaccessreviews"}, {"selfsubjectrulesreview", "selfsubjectrulesreviews"},
	{"resourceclaim", "resourceclaims"}, {"resourceclaimtemplate", "resourceclaimtemplates"},
	{"deviceclass", "deviceclasses"}, {"resourceslice", "resourceslices"},
}

// actors are the components whose names do not say that they are one. Besides, whatever has an @ in it, or ends in
// -controller, is an actor.
var actors = []string{"kubectl", "kube-apiserver", "kube-scheduler", "kube-controller-manager", "etcd", "coredns",
	"containerd", "kubelet", "kube-proxy", "network", "kubestep"}

// kindOf returns the kind, in lower case, that a plural, a short name or a kind in any case stands for; "" when it is
// not built in.
func kindOf(word string) string {
	for _, r := range resources {
		for _, form := range r {
			if strings.EqualFold(form, word) {
				return r[0]
			}
		}
	}
	return ""
}

// plural guesses the resource of a kind that is not built in, as client-go's UnsafeGuessKindToResource does. kind is in
// lower case.
func plural(kind string) string {
	switch {
	case kind == "":
		return ""
	case kind == "endpoints":
		return kind
	case strings.HasSuffix(kind, "s"), strings.HasSuffix(kind, "x"), strings.HasSuffix(kind, "ch"),
		strings.HasSuffix(kind, "sh"):
		return kind + "es"
	case strings.HasSuffix(kind, "y") && !strings.ContainsRune("aeiou", rune(kind[max(0, len(kind)-2)])):
		return kind[:len(kind)-1] + "ies"
	}
	return kind + "s"
}

// nearest returns the known word that differs least from word, "" when none is near.
func nearest(word string) string {
	word = strings.ToLower(word)
	best, at := "", max(1, len(word)/3)+1
	consider := func(known string) {
		if d := distance(word, strings.ToLower(known)); d < at {
			best, at = known, d
		}
	}
	for _, k := range kinds {
		consider(k)
		for _, v := range verbs[trace.Kind(k)] {
			consider(v)
		}
	}
	for _, r := range resources {
		consider(r[1])
	}
	for _, s := range subresources {
		consider(s)
	}
	for _, a := range actors {
		consider(a)
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
