package wire

import (
	"bytes"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// Meta is what an object says about itself and about what it hangs together with. Fields that the object leaves out are
// empty.
type Meta struct {
	APIVersion      string
	Kind            string
	Namespace       string
	Name            string
	GenerateName    string
	UID             string
	ResourceVersion string
	// Owners are the UIDs in metadata.ownerReferences.
	Owners []string
	// Involved are the UIDs of what the object is about: the object of an Event, the Pod of a Binding or of a token
	// request, the targets of an EndpointSlice.
	Involved []string
	// Terminating is set when there is a deletionTimestamp.
	Terminating bool
}

// Object returns the object's name as events give it.
func (m Meta) Object() trace.Object {
	return trace.Object{APIVersion: m.APIVersion, Kind: m.Kind, Namespace: m.Namespace, Name: m.Name, UID: m.UID}
}

// Refs returns what the object hangs together with, as events give it.
func (m Meta) Refs() trace.Refs {
	return trace.Refs{Owners: m.Owners, Involved: m.Involved, Terminating: m.Terminating}
}

// magic begins every object in Kubernetes' protobuf encoding, on the wire and in etcd
// (k8s.io/apimachinery/pkg/runtime/serializer/protobuf).
var magic = []byte("k8s\x00")

// Read returns what the object in raw says about itself; ok is false when raw is not one Kubernetes object in an encoding
// that is known (protobuf, JSON, YAML). mediaType may be empty: raw shows by itself what it is, but for YAML. Read keeps
// nothing of raw and costs about a microsecond for a protobuf Pod.
func Read(mediaType string, raw []byte) (m Meta, ok bool) {
	switch {
	case bytes.HasPrefix(raw, magic):
		m, ok = readProtobuf(raw[len(magic):])
	case startsWith(raw, '{'):
		m, ok = readJSON(raw)
	case strings.Contains(mediaType, "yaml"):
		m, ok = readYAML(raw)
	}
	if ok && m.Kind == "Binding" && m.UID != "" {
		// A Binding bears the UID of the Pod that it binds.
		m.Involved = append(m.Involved, m.UID)
	}
	return m, ok
}

// plain reports whether the kind's first field is not an ObjectMeta.
func plain(kind string) bool {
	switch kind {
	case "Status", "DeleteOptions", "WatchEvent", "Table":
		return true
	}
	return strings.HasSuffix(kind, "List")
}

func startsWith(raw []byte, c byte) bool {
	for _, b := range raw {
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b == c
	}
	return false
}
