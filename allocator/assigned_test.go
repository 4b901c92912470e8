package allocator

import "testing"

// The registry of 2026-08-17; a newer table comes with newer numbers here.
func TestAssigned(t *testing.T) {
	s := Assigned()
	if len(s.Ranges()) != 851 || s.Len() != 6419 || AssignedDate != "2026-08-17" {
		t.Errorf("%d ports in %d ranges as of %s, want 6419 in 851 as of 2026-08-17", s.Len(), len(s.Ranges()), AssignedDate)
	}
	if !NewSet(s.Ranges()...).Equal(s) {
		t.Error("the ranges are not sorted, disjoint and apart")
	}
	for _, port := range []int{
		0, 80, 443, 3000, 5432, 8080,
		15, 5316, 6701, 6702, 7775, 7997, 44323, // unassigned in one record, but not in another
		1895, 2825, // "unassigned", with a reservation
	} {
		if !s.Contains(port) {
			t.Errorf("port %d is not assigned", port)
		}
	}
	for _, port := range []int{4, 5173, 23118, 49151 + 1, 65535} {
		if s.Contains(port) {
			t.Errorf("port %d is assigned", port)
		}
	}
}

func TestBrowserBlocked(t *testing.T) {
	if n := BrowserBlocked().Len(); n != 83 {
		t.Errorf("%d ports, want the 83 of the Fetch standard", n)
	}
	if rest := BrowserBlocked().Subtract(Assigned()).Intersect(NewSet(userPorts)); !rest.Empty() {
		t.Errorf("%v are not assigned", rest)
	}
}

func TestDenied(t *testing.T) {
	if n := Denied().Len(); n != 2768+22 {
		t.Errorf("%d ports, want NodePort's 2768 and 22 more", n)
	}
}
