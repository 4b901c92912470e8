package main

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"
)

var (
	endingsFlag  = flag.Int("endings", 8, "how many runs TestEndings ends")
	earlyFlag    = flag.Bool("early", false, "TestEndings ends runs while they start")
	untaggedFlag = flag.Bool("untagged", false, "TestEndings lets no process have a tag")
	chainsFlag   = flag.Bool("chains", false, "in TestEndings, each fourth run has chains of processes that live a millisecond: more than devports keeps up with on a busy machine")
	seedFlag     = flag.Uint64("seed", 0, "what TestEndings draws from; 0 for another each time")
)

// TestEndings ends runs in all ways, half of them on terminals. Each run has
// all kinds of descendants at once, none of which may be left afterwards, and
// unrelated processes, which must survive. For a long run:
//
//	go test ./cmd/devports -run TestEndings -endings 500 -timeout 30m -v
func TestEndings(t *testing.T) {
	for _, program := range []string{"bash", "setsid"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	seed := *seedFlag
	for seed == 0 {
		var bytes [8]byte
		_, _ = crand.Read(bytes[:])
		seed = binary.LittleEndian.Uint64(bytes[:]) >> 32
	}
	t.Logf("-seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	var all []endingsRun
	for len(all) < *endingsFlag {
		var round []endingsRun
		for _, w := range ways {
			round = append(round, endingsRun{way: w, tty: true}, endingsRun{way: w})
		}
		draw.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		all = append(all, round...)
	}
	var table endingsTable
	t.Run("run", func(t *testing.T) {
		for i, r := range all[:*endingsFlag] {
			r.draw = rand.New(rand.NewPCG(seed, uint64(i)+1))
			r.number, r.early, r.table = i, *earlyFlag, &table
			where := "pipes"
			if r.tty {
				where = "terminal"
			}
			t.Run(fmt.Sprintf("%d/%s/%s", i, r.way, where), func(t *testing.T) {
				t.Parallel()
				r.run(t)
			})
		}
	})
	var descendants, others []string
	for _, k := range kinds {
		descendants = append(descendants, k.name)
	}
	for _, b := range bystandersOn(true) {
		others = append(others, b.name)
	}
	others = append(others, reader, another)
	t.Logf("survivors in runs\n\n%s", table.markdown("way", descendants, survivorsOfRuns))
	t.Logf("bystanders that lived\n\n%s", table.markdown("way", others, livedOfTotal))
}
