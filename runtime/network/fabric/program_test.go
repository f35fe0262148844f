package fabric

import "github.com/kubestep/kubestep/runtime/program"

// A Pod's network is what programs are given.
var (
	_ program.Network = (*Namespace)(nil)
	_ program.Network = (*Pod)(nil)
	_ program.Prober  = (*Pod)(nil)
	_ program.Lister  = (*Pod)(nil)
)
