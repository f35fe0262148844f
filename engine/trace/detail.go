package trace

// Detail is what an event holds beyond the common fields: one of the *...Detail types of this package, by [Kind].
type Detail interface{ kind() Kind }

// RequestDetail is the detail of an [APIRequest].
type RequestDetail struct {
	Method    string `json:"method"` // "POST"
	URI       string `json:"uri"`    // path and query, no host
	Resource  string `json:"resource,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	// AuditID is the request's name inside the API server; stages and commits find their request by it.
	AuditID string `json:"auditID,omitempty"`
	Status  int    `json:"status,omitempty"` // HTTP status; 0 while open or when no response came
	Body    *Body  `json:"body,omitempty"`   // what was sent
	// Response is what came back; nil for lists, watches and streams.
	Response *Body `json:"response,omitempty"`
	// Before and After are the stored object around a write, taken from its commit.
	Before *Body `json:"before,omitempty"`
	After  *Body `json:"after,omitempty"`
}

// Stages of a request inside the API server, in their order.
const (
	StageAuthentication = "authentication"
	StageFairness       = "fairness"
	StageAuthorization  = "authorization"
	StageMutating       = "mutating"
	StageValidating     = "validating"
	StageStorage        = "storage"
)

// StageDetail is the detail of an [APIStage]. The event's Verb is the stage.
type StageDetail struct {
	// Plugin is the admission plugin's name; empty for other stages.
	Plugin string `json:"plugin,omitempty"`
	// Decision is "allow", "deny" or "no opinion" for authorization, "authenticated" or "anonymous" for authentication,
	// "admitted" or "rejected" for admission and fairness, the operation for storage.
	Decision string `json:"decision,omitempty"`
	// Reason is the component's own words: which binding allowed it, which rule refused it.
	Reason        string   `json:"reason,omitempty"`
	User          string   `json:"user,omitempty"`
	Groups        []string `json:"groups,omitempty"`
	FlowSchema    string   `json:"flowSchema,omitempty"`
	PriorityLevel string   `json:"priorityLevel,omitempty"`
	Key           string   `json:"key,omitempty"` // storage: the etcd key
	// Before and After are set when a mutating plugin changed the object.
	Before *Body `json:"before,omitempty"`
	After  *Body `json:"after,omitempty"`
}

// CommitDetail is the detail of an [EtcdCommit].
type CommitDetail struct {
	Key string `json:"key"`
	// Version counts the writes to the key since it was created; 0 for a delete.
	Version        int64 `json:"version,omitempty"`
	CreateRevision int64 `json:"createRevision,omitempty"`
	// Bytes and PrevBytes are the sizes of the stored value after and before.
	Bytes     int   `json:"bytes"`
	PrevBytes int   `json:"prevBytes,omitempty"`
	Before    *Body `json:"before,omitempty"`
	After     *Body `json:"after,omitempty"`
}

// DeliverDetail is the detail of a [WatchDeliver].
type DeliverDetail struct {
	URI    string `json:"uri"`    // of the watch
	Client string `json:"client"` // the client's name inside the process: "shared-informers"
	Object *Body  `json:"object,omitempty"`
}

// CRIDetail is the detail of a [CRICall].
type CRIDetail struct {
	Node      string `json:"node"`
	Sandbox   string `json:"sandbox,omitempty"`
	Container string `json:"container,omitempty"` // the container's ID
	Name      string `json:"name,omitempty"`      // the container's name in the Pod
	Image     string `json:"image,omitempty"`
	Request   *Body  `json:"request,omitempty"`
	Response  *Body  `json:"response,omitempty"`
	// ExitCode and Signal are set on what a runtime did by itself.
	ExitCode *int32 `json:"exitCode,omitempty"`
	Signal   string `json:"signal,omitempty"`
}

// SchedDetail is the detail of a [SchedPhase]. The event's Verb is the extension point: "prefilter", "filter",
// "postfilter", "prescore", "score", "reserve", "permit", "prebind", "bind", "postbind", "unreserve".
type SchedDetail struct {
	Profile string `json:"profile"` // scheduler name
	Attempt int    `json:"attempt"` // which try for this Pod, from 1
	// Node is what was chosen, from the phase on in which that is known.
	Node string `json:"node,omitempty"`
	// Plugins are the columns of Filter and Score, in the order in which upstream runs them; for the other phases the
	// plugins that ran.
	Plugins []SchedPlugin `json:"plugins,omitempty"`
	// Filter has a row for each node that was looked at.
	Filter []FilterRow `json:"filter,omitempty"`
	// Score has a row for each feasible node, highest total first.
	Score []ScoreRow `json:"score,omitempty"`
}

// SchedPlugin is one plugin at one extension point.
type SchedPlugin struct {
	Name string `json:"name"`
	// Weight multiplies the normalised score; 0 outside Score.
	Weight int32 `json:"weight,omitempty"`
	// Skipped is set when the plugin's PreFilter or PreScore said that it has nothing to say about this Pod.
	Skipped bool   `json:"skipped,omitempty"`
	Status  string `json:"status,omitempty"` // "Success", "Unschedulable", ...; for phases without a node
	Reason  string `json:"reason,omitempty"`
}

// FilterRow is what the filters said of one node.
type FilterRow struct {
	Node string `json:"node"`
	// Results has one entry for each plugin of [SchedDetail.Plugins]: "pass", "skip", "fail", or "" for not reached,
	// because upstream stops at the first failure.
	Results []string `json:"results"`
	// Reason is the words of the plugin that failed.
	Reason string `json:"reason,omitempty"`
	// Status is the framework's code of the failure: "Unschedulable", "UnschedulableAndUnresolvable", "Error".
	Status string `json:"status,omitempty"`
}

// ScoreRow is what the score plugins said of one node.
type ScoreRow struct {
	Node  string      `json:"node"`
	Cells []ScoreCell `json:"cells"` // one for each plugin of [SchedDetail.Plugins]
	Total int64       `json:"total"` // sum of the weighted scores
}

// ScoreCell is one plugin's score of one node.
type ScoreCell struct {
	Raw        int64 `json:"raw"`        // as the plugin's Score returned it
	Normalized int64 `json:"normalized"` // after its NormalizeScore, 0 to 100
	Weighted   int64 `json:"weighted"`   // times the plugin's weight
}

func (*RequestDetail) kind() Kind { return APIRequest }
func (*StageDetail) kind() Kind   { return APIStage }
func (*CommitDetail) kind() Kind  { return EtcdCommit }
func (*DeliverDetail) kind() Kind { return WatchDeliver }
func (*CRIDetail) kind() Kind     { return CRICall }
func (*SchedDetail) kind() Kind   { return SchedPhase }
