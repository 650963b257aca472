// Loaded before the client's own tests: its clients ask Hamlet, set up as `hamlet connect npm` says.
const akismet = require('akismet-api')

const make = akismet.client
akismet.client = (options) => {
  const client = make({ ...options, protocol: 'http', host: process.env.HAMLET_TEST_HOST })
  client.endpoint = client.rootEndpoint
  client.requestOpts.api_key = client.key
  return client
}
