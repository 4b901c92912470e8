package proctree

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator/process"
)

func TestBelow(t *testing.T) {
	p := func(pid, parent int, start int64) Process {
		return Process{ID: process.ID{PID: pid, Start: start}, Parent: parent}
	}
	zombie := p(30, 10, 30)
	zombie.Zombie = true
	tree := newTree([]Process{
		p(1, 0, 1), p(10, 1, 10), p(2, 20, 40), p(20, 10, 20), zombie, p(11, 1, 11),
		p(40, 30, 31),                // child of a zombie
		p(50, 20, 15),                // child of an earlier process with PID 20
		p(60, 61, 60), p(61, 60, 60), // a cycle
		p(70, 99, 70), // with an invisible parent
	})
	tests := map[string]struct{ roots, want []int }{
		"all":         {[]int{1}, []int{10, 11, 20, 2, 40}},
		"two":         {[]int{20, 10}, []int{2, 40}},
		"none":        {nil, nil},
		"leaf":        {[]int{11}, nil},
		"circle":      {[]int{60}, []int{61}},
		"unseen root": {[]int{99}, []int{70}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, p := range tree.Below(tt.roots...) {
				got = append(got, p.PID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
