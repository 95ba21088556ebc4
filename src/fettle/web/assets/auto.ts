// <form data-auto>: sends itself when a choice in it changes; without script it has a button.
document.addEventListener("change", (event) => {
  const form = event.target instanceof Element ? event.target.closest<HTMLFormElement>("form[data-auto]") : null;
  form?.requestSubmit();
});
