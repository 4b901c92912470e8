// Site is a web page with one of the api's quotes; it shows a page whether the api is up or not.
import { createServer } from 'node:http'

const { PORT, PORT_API } = process.env
if (!PORT || !PORT_API) throw new Error('PORT or PORT_API is not set: start it with devports up')

const api = `http://127.0.0.1:${PORT_API}`

const server = createServer(async (request, response) => {
  if (request.url !== '/') {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(page(await quote()))
})

// quote is the quote of the minute, or says why there is none.
async function quote() {
  try {
    const answer = await fetch(`${api}/quotes`, { signal: AbortSignal.timeout(1000) })
    if (!answer.ok) throw new Error(`GET /quotes: ${answer.status}`)
    const quotes = await answer.json()
    return quotes[new Date().getMinutes() % quotes.length]
  } catch (error) {
    return { text: 'No quote today.', by: `api, at ${api}: ${error.cause?.message ?? error.message}` }
  }
}

const page = ({ text, by }) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Quote of the minute</title>
<style>body { font: 1.3rem/1.5 Georgia, serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }</style>
<blockquote>${escape(text)}</blockquote>
<p>— ${escape(by)}</p>
</html>
`

const escape = text => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)

server.listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${PORT}`))

// Told to end, it answers what it has been asked; then nothing keeps the process alive.
function end() {
  server.close()
  server.closeIdleConnections()
}
process.once('SIGINT', end).once('SIGTERM', end)
