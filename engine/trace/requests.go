package trace

// ProgramRequests is the count of a program in a Pod that makes requests again and again (verb "count"): what it has got
// so far. It is recorded a few times a second while the program runs, and never held.
const ProgramRequests Kind = "program.requests"

// RequestsDetail is the detail of a [ProgramRequests]. The program itself counts, since it started.
type RequestsDetail struct {
	URL    string `json:"url"`
	OK     int    `json:"ok"`
	Failed int    `json:"failed"`
	// Answers counts successes by the first line of the answer, such as "web v2"; what is beyond the first few different
	// ones is under "".
	Answers map[string]int `json:"answers,omitempty"`
	// LastError says what the last failure was; empty while there is none.
	LastError string `json:"lastError,omitempty"`
}

func (*RequestsDetail) kind() Kind { return ProgramRequests }
