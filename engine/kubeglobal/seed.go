package kubeglobal

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
)

// ids is what package uuid draws from once a seed is set: uuid.SetRand must not be called while others draw, so there is
// one reader for the life of the process, whose source can be changed.
var ids lockedRand

// setSeed makes generated names (k8s.io/apimachinery/pkg/util/rand) and UIDs (github.com/google/uuid) follow from seed.
// Nothing that must be secret is drawn from either: keys and tokens use crypto/rand.
func setSeed(seed int64) {
	Reseed(seed)
	uuid.SetRand(&ids)
}

// Reseed begins the names and UIDs that follow from seed anew. It only has an effect on UIDs when [Setup] got a seed. A
// lab calls it when it is ready: until then components draw all at once, in no order. It is safe at any time.
func Reseed(seed int64) {
	utilrand.Seed(seed)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.source = rand.NewChaCha8(key)
}

// lockedRand is a seeded source of bytes for many goroutines: package uuid does not lock around its reader.
type lockedRand struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (l *lockedRand) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source.Read(p)
}
