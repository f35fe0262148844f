package cluster

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
)

// Facts is what lists show of an object.
type Facts struct {
	Metadata struct {
		UID               string            `json:"uid"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
		OwnerReferences   []Owner           `json:"ownerReferences"`
		Annotations       map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		NodeName      string `json:"nodeName"`
		Replicas      *int   `json:"replicas"`
		Unschedulable bool   `json:"unschedulable"`
		Type          string `json:"type"`
		ClusterIP     string `json:"clusterIP"`
		// Selector is labels in a Service and a LabelSelector in a Deployment: see Selects.
		Selector json.RawMessage `json:"selector"`
		Strategy struct {
			Type          string `json:"type"`
			RollingUpdate struct {
				MaxSurge       any `json:"maxSurge"` // a number, or a string with a percentage
				MaxUnavailable any `json:"maxUnavailable"`
			} `json:"rollingUpdate"`
		} `json:"strategy"`
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Containers []struct {
					Image string `json:"image"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Phase             string    `json:"phase"`
		PodIP             string    `json:"podIP"`
		Replicas          int       `json:"replicas"`
		ReadyReplicas     int       `json:"readyReplicas"`
		UpdatedReplicas   int       `json:"updatedReplicas"`
		AvailableReplicas int       `json:"availableReplicas"`
		Addresses         []Address `json:"addresses"` // of a Node
		ContainerStatuses []struct {
			Ready        bool `json:"ready"`
			RestartCount int  `json:"restartCount"`
			State        struct {
				Waiting *struct {
					Reason string `json:"reason"`
				} `json:"waiting"`
				Terminated *struct {
					Reason string `json:"reason"`
				} `json:"terminated"`
			} `json:"state"`
		} `json:"containerStatuses"`
		Conditions []Condition `json:"conditions"`
	} `json:"status"`

	// Of Events.
	InvolvedObject struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
		UID  string `json:"uid"`
	} `json:"involvedObject"`
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Count   int    `json:"count"`
	Source  struct {
		Component string `json:"component"`
	} `json:"source"`
	ReportingComponent string `json:"reportingComponent"`
}

// Owner is one entry of metadata.ownerReferences.
type Owner struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// Condition is one entry of status.conditions.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Address is one entry of a Node's status.addresses.
type Address struct {
	Type    string `json:"type"` // "InternalIP"
	Address string `json:"address"`
}

// Selects reports whether a Service's selector fits labels. A Service without one selects nothing.
func (f *Facts) Selects(labels map[string]string) bool {
	var selector map[string]string
	if json.Unmarshal(f.Spec.Selector, &selector) != nil || len(selector) == 0 {
		return false
	}
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// Facts returns what r's object says, the zero Facts when it cannot be read. It reads each revision once.
func (c *Cluster) Facts(r *Revision) *Facts {
	if r.facts == nil {
		r.facts = &Facts{}
		if raw, err := c.Body(r).JSON(); err == nil && raw != nil {
			var other *json.UnmarshalTypeError // a kind whose field means something else; the rest is read all the same
			if err := json.Unmarshal(raw, r.facts); err != nil && !errors.As(err, &other) {
				r.facts = &Facts{}
			}
		}
	}
	return r.facts
}

// Is reports whether a condition has the status "True".
func (f *Facts) Is(condition string) bool {
	i := slices.IndexFunc(f.Status.Conditions, func(c Condition) bool { return c.Type == condition })
	return i >= 0 && f.Status.Conditions[i].Status == "True"
}

// Ready returns how many containers of a Pod are ready, and of how many a status is known.
func (f *Facts) Ready() (ready, all int) {
	for _, c := range f.Status.ContainerStatuses {
		if c.Ready {
			ready++
		}
	}
	return ready, len(f.Status.ContainerStatuses)
}

// PodState returns a Pod's state in a word as kubectl's STATUS column has it: "Running", "ContainerCreating",
// "CrashLoopBackOff", "Terminating". (printPod in pkg/printers/internalversion/printers.go of upstream has more cases.)
func (f *Facts) PodState() string {
	state := f.Status.Phase
	for _, c := range f.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			state = c.State.Waiting.Reason
		case c.State.Terminated != nil && c.State.Terminated.Reason != "":
			state = c.State.Terminated.Reason
		}
	}
	if f.Metadata.DeletionTimestamp != "" {
		state = "Terminating"
	}
	return cmp.Or(state, "Pending")
}
