// Single mutations: the chosen one is shown, at the chosen layer.
for (const section of document.querySelectorAll(".panels")) {
  const articles = section.querySelectorAll("article");
  const select = section.querySelector("select");
  const buttons = section.querySelectorAll(".chooser button");
  let layer = [...buttons].find((each) => each.getAttribute("aria-pressed") === "true")?.dataset
    .layer;
  const show = () => {
    for (const article of articles) {
      const chosen = (!select || article.dataset.mutation === select.value) &&
        (layer === undefined || article.dataset.layer === layer);
      article.hidden = !chosen;
    }
  };
  select?.addEventListener("change", show);
  chooseOne(buttons, (button) => {
    layer = button.dataset.layer;
    show();
  });
  section.querySelector(".chooser").hidden = articles.length < 2;
  show();
}
