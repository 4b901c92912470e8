package launcher

import "context"

// Processes returns the PIDs of all processes of each service that live.
func (st *Controller) Processes(ctx context.Context) (map[string][]int, error) {
	children := map[string]child{}
	err := st.ask(ctx, func(s *supervisor) {
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children[name] = c
			}
		}
	})
	processes := make(map[string][]int, len(children))
	for name, c := range children { // which takes a while: the supervisor goes on
		processes[name] = c.Members()
	}
	return processes, err
}
