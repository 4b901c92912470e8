package launcher

import "context"

// Processes returns the pids of all live processes, by service.
func (c *Controller) Processes(ctx context.Context) (map[string][]int, error) {
	children := map[string]child{}
	err := c.ask(ctx, func(s *supervisor) {
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children[name] = c
			}
		}
	})
	processes := make(map[string][]int, len(children))
	for name, c := range children { // which takes a while: not in the supervisor's goroutine
		processes[name] = c.Members()
	}
	return processes, err
}
