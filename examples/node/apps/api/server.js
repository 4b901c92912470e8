// Api knows quotes.
//
//	GET /quotes    all of them as JSON
//	GET /healthz   200 while it runs
import { createServer } from 'node:http'

const { PORT } = process.env
if (!PORT) throw new Error('PORT is not set: start it with devports up')

const quotes = [
  { text: 'Simplicity is prerequisite for reliability.', by: 'Edsger W. Dijkstra' },
  { text: 'Programs must be written for people to read.', by: 'Harold Abelson' },
  { text: 'Premature optimization is the root of all evil.', by: 'Donald Knuth' },
]

const routes = {
  '/quotes': () => quotes,
  '/healthz': () => 'ok',
}

const server = createServer((request, response) => {
  const route = routes[request.url]
  response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(route ? route() : 'there is no such page'))
})

server.listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${PORT}`))

// Told to end, it answers what it has been asked; then nothing keeps the process alive.
function end() {
  server.close()
  server.closeIdleConnections()
}
process.once('SIGINT', end).once('SIGTERM', end)
