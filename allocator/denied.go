package allocator

import "sync"

// Denied returns unassigned ports that are never chosen by default, because
// other programs are likely to want them.
func Denied() Set { return denied() }

// BrowserBlocked returns the "bad ports" of the Fetch standard, to which
// browsers do not connect (https://fetch.spec.whatwg.org/#port-blocking). A
// service that is pinned to one of them works, but no browser loads its pages.
func BrowserBlocked() Set { return browserBlocked() }

var denied = sync.OnceValue(func() Set {
	// The default --service-node-port-range of Kubernetes. kube-proxy redirects
	// these ports with packet filter rules, so they look free.
	nodePort := Range{30000, 32767}
	return NewSet(nodePort).Union(setOf(
		4173,  // Vite's preview
		4318,  // OpenTelemetry's OTLP over HTTP
		4321,  // Astro
		5173,  // Vite
		6333,  // Qdrant
		7233,  // Temporal
		7860,  // Gradio
		8085,  // Firebase's Pub/Sub emulator
		8123,  // ClickHouse's HTTP interface, Home Assistant
		8233,  // Temporal's web UI
		9099,  // Firebase's Authentication emulator
		9199,  // Firebase's Storage emulator
		9229,  // the inspector of Node.js
		9323,  // Playwright's report, the Docker daemon's metrics
		9411,  // Zipkin
		14268, // Jaeger's collector
		15672, // RabbitMQ's management UI
		16686, // Jaeger's UI
		19006, // Expo for the web
		19530, // Milvus
		24678, // Vite's hot module replacement
		35729, // LiveReload
	))
})

var browserBlocked = sync.OnceValue(func() Set {
	return setOf(
		0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95,
		101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179,
		389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587,
		601, 636, 989, 990, 993, 995,
		1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
		6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
	)
})

func setOf(ports ...int) Set {
	ranges := make([]Range, len(ports))
	for i, port := range ports {
		ranges[i] = Range{port, port}
	}
	return NewSet(ranges...)
}
