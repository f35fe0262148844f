package trace

import "net/netip"

// DNSDetail is the detail of a [DNSQuery].
type DNSDetail struct {
	// Host is what the program looks for, as it wrote it; empty at the server, which does not know.
	Host string `json:"host,omitempty"`
	// Lookup is the same number in all questions of one look-up of Host; 0 at the server.
	Lookup uint32 `json:"lookup,omitempty"`
	// Name is what is asked, with its final dot: "web.default.svc.cluster.local.".
	Name string `json:"name"`
	Type string `json:"type"` // "A", "AAAA", "SRV"...
	ID   uint16 `json:"id"`   // of the DNS message
	// SearchIndex is the place in the search list, from 1, of the domain that was added to Host; 0 when the name is
	// asked as it is.
	SearchIndex int `json:"searchIndex,omitempty"`
	// SearchDomain is that domain: "svc.cluster.local".
	SearchDomain string `json:"searchDomain,omitempty"`
	// Search and Ndots are the resolver's configuration.
	Search []string `json:"search,omitempty"`
	Ndots  int      `json:"ndots,omitempty"`
	// Server is who is asked; Client who asks, where the server sees it. A Service's address is a server here.
	Server    netip.AddrPort `json:"server,omitzero"`
	Client    netip.AddrPort `json:"client,omitzero"`
	Transport string         `json:"transport"`         // "udp" or "tcp"
	Attempt   int            `json:"attempt,omitempty"` // the round over all servers, from 1
	// Rcode is the answer's: "NOERROR", "NXDOMAIN", "SERVFAIL"...; empty when none came. NOERROR without answers means
	// that the name exists, but not with this type.
	Rcode     string `json:"rcode,omitempty"`
	Truncated bool   `json:"truncated,omitempty"` // the answer did not fit, and is asked for again over TCP
	// Answers are the records in the answer section, as in a zone file.
	Answers []string `json:"answers,omitempty"`
	// Plugin is the CoreDNS plugin that answered: "kubernetes", "cache", "forward"; at the server only.
	Plugin string `json:"plugin,omitempty"`
	// RTTMs is how long the answer took, in milliseconds of the network's own time.
	RTTMs float64 `json:"rttMs,omitempty"`
}

func (*DNSDetail) kind() Kind { return DNSQuery }
