package program

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// DNSClient asks for a name again and again and counts: "dns-client [--interval 1s] [--count 0] [--type A] NAME". It goes
// through the search list of the Pod's resolv.conf and says which name was answered after how many queries. It ends as
// [Client] does.
func DNSClient(ctx context.Context, w *World) int {
	flags := newFlags(w, "dns-client [--interval 1s] [--count 0] [--type A] NAME",
		"Asks for a name by way of the search list, again and again, and counts answers and failures.")
	interval := flags.Duration("interval", time.Second, "time between questions")
	count := flags.Int("count", 0, "how many questions; 0 for no end")
	kind := flags.String("type", "A", "type of the records to ask for")
	if code, ok := flags.parse(); !ok {
		return code
	}
	name := flags.Arg(0)
	if name == "" {
		name = w.Getenv("DNS_NAME")
	}
	if name == "" {
		fmt.Fprintln(w.Stderr, "dns-client: give a name as argument or in the environment's DNS_NAME: dns-client web")
		return usage
	}
	t, ok := dns.StringToType[strings.ToUpper(*kind)]
	if !ok {
		fmt.Fprintf(w.Stderr, "dns-client: %s is not a type of records: try A, AAAA, SRV, PTR\n", *kind)
		return usage
	}
	r := w.Resolver()
	return repeat(ctx, w, "questions", *interval, *count, func(ctx context.Context) (string, error) {
		cfg, err := r.Config() // each time: the file may have changed
		if err != nil {
			return "", err
		}
		began := w.Clock.Now()
		res, err := r.Search(ctx, cfg, name, t)
		took := w.Clock.Since(began).Round(time.Microsecond)
		queries := fmt.Sprintf("(queries: %d, %s)", len(res.Tries), took)
		if err != nil {
			return "", fmt.Errorf("%s: %w %s", name, err, queries)
		}
		var found []string
		answered := name
		for _, m := range res.Replies {
			for _, rr := range m.Answer {
				answered = rr.Header().Name
				found = append(found, rdata(rr))
			}
		}
		return answered + " " + strings.Join(found, ",") + " " + queries, nil
	})
}
