package kubeglobal

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
)

// setSeed makes generated names (k8s.io/apimachinery/pkg/util/rand) and UIDs (github.com/google/uuid) follow from seed.
// Nothing that must be secret is drawn from either: keys and tokens use crypto/rand.
func setSeed(seed int64) {
	utilrand.Seed(seed)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	uuid.SetRand(&lockedRand{source: rand.NewChaCha8(key)})
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
