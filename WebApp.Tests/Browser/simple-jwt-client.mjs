// A client as one writes it for Simple JWT: it keeps both tokens, sends the access token in a header, asks for new ones when it is
// refused, and blacklists what it has when it goes. It knows nothing of the server but its address.
//   node simple-jwt-client.mjs ADDRESS USERNAME PASSWORD SECONDS
import assert from "node:assert/strict";
import axios from "axios";

const [address, username, password, seconds] = process.argv.slice(2);
const api = axios.create({ baseURL: address });
let tokens;
let refreshes = 0;

api.interceptors.request.use((config) => {
  if (tokens) {
    config.headers.Authorization = `Bearer ${tokens.access}`;
  }

  return config;
});
api.interceptors.response.use(undefined, async (error) => {
  if (error.response?.status !== 401 || error.response.data.code !== "token_not_valid" || error.config.again) {
    throw error;
  }

  refreshes += 1;
  tokens = { ...tokens, ...(await axios.post(`${address}api/token/refresh/`, { refresh: tokens.refresh })).data };
  return api({ ...error.config, again: true });
});

const refusal = (call) => call.then(() => assert.fail("It was answered."), (error) => error.response);

assert.equal((await refusal(axios.post(`${address}api/token/`, { username, password: "wrong" }))).status, 401);
tokens = (await axios.post(`${address}api/token/`, { username, password })).data;
assert.deepEqual(Object.keys(tokens).sort(), ["access", "refresh"]);
await axios.post(`${address}api/token/verify/`, { token: tokens.access });
assert.equal((await api.get("api/me/")).data.name, username);
assert.equal(refreshes, 0);

for (let round = 1; round <= 3; round++) {
  const before = tokens;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  assert.equal((await api.get("api/me/")).data.name, username);
  assert.equal(refreshes, round);
  assert.notEqual(tokens.access, before.access);
  assert.notEqual(tokens.refresh, before.refresh);
}

await axios.post(`${address}api/token/blacklist/`, { refresh: tokens.refresh });
const dead = await refusal(axios.post(`${address}api/token/refresh/`, { refresh: tokens.refresh }));
assert.deepEqual([dead.status, dead.data.code, dead.data.detail], [401, "token_not_valid", "Token is blacklisted"]);
console.log("done");
