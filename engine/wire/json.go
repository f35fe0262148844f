package wire

import (
	"encoding/json"

	"sigs.k8s.io/yaml"
)

type reference struct {
	UID string `json:"uid"`
}

type jsonObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Namespace         string      `json:"namespace"`
		Name              string      `json:"name"`
		GenerateName      string      `json:"generateName"`
		UID               string      `json:"uid"`
		ResourceVersion   string      `json:"resourceVersion"`
		DeletionTimestamp string      `json:"deletionTimestamp"`
		OwnerReferences   []reference `json:"ownerReferences"`
	} `json:"metadata"`
}

// jsonAbout holds the references to other objects; most kinds have none, so it is read only where it is needed.
type jsonAbout struct {
	InvolvedObject reference `json:"involvedObject"` // v1 Event
	Regarding      reference `json:"regarding"`      // events.k8s.io Event
	Endpoints      []struct {
		TargetRef reference `json:"targetRef"`
	} `json:"endpoints"`
	Subsets []struct {
		Addresses         []jsonAddress `json:"addresses"`
		NotReadyAddresses []jsonAddress `json:"notReadyAddresses"`
	} `json:"subsets"`
	Spec struct {
		BoundObjectRef reference `json:"boundObjectRef"`
	} `json:"spec"`
}

type jsonAddress struct {
	TargetRef reference `json:"targetRef"`
}

func readJSON(raw []byte) (m Meta, ok bool) {
	var o jsonObject
	if json.Unmarshal(raw, &o) != nil {
		return Meta{}, false
	}
	m = Meta{
		APIVersion: o.APIVersion, Kind: o.Kind,
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, GenerateName: o.Metadata.GenerateName,
		UID: o.Metadata.UID, ResourceVersion: o.Metadata.ResourceVersion,
		Terminating: o.Metadata.DeletionTimestamp != "",
	}
	for _, r := range o.Metadata.OwnerReferences {
		m.Owners = appendUID(m.Owners, r)
	}
	switch o.Kind {
	case "Event", "EndpointSlice", "Endpoints", "TokenRequest":
		var a jsonAbout
		if json.Unmarshal(raw, &a) != nil {
			break
		}
		m.Involved = appendUID(m.Involved, a.InvolvedObject)
		m.Involved = appendUID(m.Involved, a.Regarding)
		m.Involved = appendUID(m.Involved, a.Spec.BoundObjectRef)
		for _, e := range a.Endpoints {
			m.Involved = appendUID(m.Involved, e.TargetRef)
		}
		for _, s := range a.Subsets {
			for _, address := range append(s.Addresses, s.NotReadyAddresses...) {
				m.Involved = appendUID(m.Involved, address.TargetRef)
			}
		}
	}
	return m, true
}

func readYAML(raw []byte) (m Meta, ok bool) {
	converted, err := yaml.YAMLToJSON(raw)
	if err != nil || !startsWith(converted, '{') {
		return Meta{}, false
	}
	return readJSON(converted)
}

func appendUID(uids []string, r reference) []string {
	if r.UID == "" {
		return uids
	}
	return append(uids, r.UID)
}
