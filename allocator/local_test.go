package allocator

import "testing"

func TestLocalPorts(t *testing.T) {
	local, err := LocalPorts()
	if err != nil {
		t.Fatal(err)
	}
	if local.Ephemeral.Empty() {
		t.Error("no ephemeral ports")
	}
}

func TestParseDynamicPort(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"english": {"\r\nProtocol tcp Dynamic Port Range\r\n---------------------------------\r\nStart Port      : 49152\r\nNumber of Ports : 16384\r\n\r\n", "49152-65535"},
		"german":  {"\r\nDynamischer Portbereich von Protokoll TCP\r\n-----------------------------------------\r\nStartport       : 1024\r\nAnzahl von Ports: 64511\r\n\r\n", "1024-65534"},
	}
	for name, tt := range tests {
		if got, err := parseDynamicPort(tt.text); err != nil || got.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "Start Port: 49152", "Access denied: 5\r\n1\r\n"} {
		if got, err := parseDynamicPort(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestParseExcludedPortRange(t *testing.T) {
	const text = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\n" +
		"Start Port    End Port      \r\n----------    --------      \r\n" +
		"      5357        5357      \r\n     50000       50059     *\r\n\r\n* - Administered port exclusions.\r\n\r\n"
	if got := parseExcludedPortRange(text).String(); got != "5357,50000-50059" {
		t.Errorf("%q", got)
	}
	if got := parseExcludedPortRange(""); !got.Empty() {
		t.Errorf("%q of nothing", got)
	}
}
