// Passkeys: signing in with one, and adding one. The forms are hidden until this script finds that the browser has passkeys. What
// it says stands in the page or comes from the site, in the reader's language.

const supported = typeof PublicKeyCredential === "function"
  && "parseCreationOptionsFromJSON" in PublicKeyCredential
  && "parseRequestOptionsFromJSON" in PublicKeyCredential
  && "toJSON" in PublicKeyCredential.prototype;

const ask = {
  add: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  use: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};

if (supported) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(form);
    });
    form.hidden = false;
  }
}

async function submit(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  say(form, "");
  try {
    const { options, problem } = await fetchOptions(form);
    if (problem) {
      say(form, problem);
      return;
    }

    const credential = await ask[form.dataset.passkey](options);
    form.elements.credential.value = JSON.stringify(credential);
    fillIn(form);
    form.submit(); // From here on it is a form like any other.
  } catch (error) {
    // A person who thinks better of it is no error; anything else is shown to them in the same words, and to the console in its own.
    say(form, form.dataset.failed);
    if (error.name !== "NotAllowedError" && error.name !== "AbortError") {
      throw error;
    }
  } finally {
    button.disabled = false;
  }
}

async function fetchOptions(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new FormData(form),
  });
  return answer.headers.get("Content-Type")?.startsWith("application/json") ? answer.json() : { problem: form.dataset.failed };
}

// Fields that repeat what stands elsewhere on the page; a password that has been checked does not travel again.
function fillIn(form) {
  for (const field of form.querySelectorAll("[data-from]")) {
    field.value = document.getElementById(field.dataset.from)?.checked === true;
  }

  for (const field of form.querySelectorAll("[type=password]")) {
    field.value = "";
  }
}

function say(form, text) {
  const place = form.querySelector("[role=alert]");
  place.textContent = text;
  place.hidden = text === "";
}
