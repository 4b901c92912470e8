package proctree

func (t Tree) marked(m Mark) []Process {
	var found []Process
	for _, p := range t.all {
		if p.Zombie {
			continue
		}
		if m.On(p.PID) {
			found = append(found, p)
		}
	}
	return found
}
