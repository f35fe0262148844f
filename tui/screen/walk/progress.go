package walk

import (
	"encoding/json"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/checklist"
	"github.com/kubestep/kubestep/tui/text"
)

// milestone is one thing that happens on the way to a running Pod.
type milestone struct {
	name, more text.ID
	// seen reports whether the event is it; name is the Deployment's.
	seen func(e *trace.Event, name string) bool
}

// milestones are in their order. They rest on what the events say and not on what the reader pressed.
var milestones = [...]milestone{
	{text.StepDeployment, text.StepDeploymentText, func(e *trace.Event, name string) bool {
		return created(e, "Deployment") && e.Object.Name == name
	}},
	{text.StepReplicaSet, text.StepReplicaSetText, func(e *trace.Event, name string) bool {
		return created(e, "ReplicaSet") && partOf(e, name)
	}},
	{text.StepPod, text.StepPodText, func(e *trace.Event, name string) bool {
		return created(e, "Pod") && partOf(e, name)
	}},
	{text.StepBinding, text.StepBindingText, func(e *trace.Event, name string) bool {
		return succeeded(e) && e.Verb == "create" && e.Subresource == "binding" && partOf(e, name)
	}},
	{text.StepSandbox, text.StepSandboxText, func(e *trace.Event, name string) bool {
		return called(e, "RunPodSandbox") && partOf(e, name)
	}},
	{text.StepContainer, text.StepContainerText, func(e *trace.Event, name string) bool {
		return called(e, "StartContainer") && partOf(e, name)
	}},
	{text.StepRunning, text.StepRunningText, func(e *trace.Event, name string) bool {
		return partOf(e, name) && storedStatus(e, "Pod").Phase == "Running"
	}},
	{text.StepAvailable, text.StepAvailableText, func(e *trace.Event, name string) bool {
		return e.Object.Name == name && storedStatus(e, "Deployment").AvailableReplicas > 0
	}},
}

// progress is how far a Deployment is.
type progress struct {
	name  string // the Deployment's; the first that is created is the one
	after uint64 // events up to here belong to an earlier run
	last  uint64
	done  [len(milestones)]bool
}

// restart forgets what was seen.
func (p *progress) restart() { *p = progress{after: p.last, last: p.last} }

func (p *progress) take(e *trace.Event) {
	p.last = max(p.last, e.Seq)
	if e.Background || e.Seq <= p.after {
		return
	}
	if p.name == "" {
		if !created(e, "Deployment") {
			return
		}
		p.name = e.Object.Name
	}
	for i := range milestones {
		if !p.done[i] && milestones[i].seen(e, p.name) {
			p.done[i] = true
		}
	}
}

// at returns the first milestone that has not been reached, len(milestones) when all have.
func (p *progress) at() int {
	for i, done := range p.done {
		if !done {
			return i
		}
	}
	return len(milestones)
}

func (p *progress) items(say text.Printer) []checklist.Item {
	items := make([]checklist.Item, len(milestones))
	at := p.at()
	for i, m := range milestones {
		items[i] = checklist.Item{Name: say.T(m.name), More: say.T(m.more)}
		switch {
		case p.done[i]:
			items[i].State = checklist.Done
		case i == at:
			items[i].State = checklist.Now
		}
	}
	return items
}

func succeeded(e *trace.Event) bool {
	if e.Kind != trace.APIRequest || e.Open || e.Error != "" {
		return false
	}
	d, ok := e.Detail.(*trace.RequestDetail)
	return ok && d.Status >= 200 && d.Status < 300
}

func created(e *trace.Event, kind string) bool {
	return e.Verb == "create" && e.Subresource == "" && e.Object.Kind == kind && succeeded(e)
}

func called(e *trace.Event, method string) bool {
	return e.Kind == trace.CRICall && e.Verb == method && !e.Open && e.Error == ""
}

// partOf reports whether the object's name says that it belongs to the Deployment: controllers append to their owner's.
func partOf(e *trace.Event, name string) bool { return strings.HasPrefix(e.Object.Name, name+"-") }

type objectStatus struct {
	Phase             string `json:"phase"`
	AvailableReplicas int    `json:"availableReplicas"`
}

// storedStatus returns the status that a commit of the given kind stored, the zero status for any other event.
func storedStatus(e *trace.Event, kind string) objectStatus {
	d, ok := e.Detail.(*trace.CommitDetail)
	if !ok || e.Object.Kind != kind || d.After == nil {
		return objectStatus{}
	}
	raw, err := d.After.JSON()
	if err != nil {
		return objectStatus{}
	}
	var o struct {
		Status objectStatus `json:"status"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return objectStatus{}
	}
	return o.Status
}
