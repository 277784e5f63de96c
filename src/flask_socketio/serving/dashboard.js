// The page asks for a server's address. It is the one that it comes from, behind whichever prefix.
(function () {
  "use strict";
  var given = document.currentScript.dataset;
  var here = location.pathname.replace(/admin\/[^/]*$/, "");
  var settings = {
    server_url: location.origin,
    path: here,
    namespace: given.namespace,
    parser: given.parser,
  };
  if (given.websocketOnly === "true") {
    settings.ws_only = "true";
  }
  var languages = ["bn", "fr", "ko", "pt-BR", "tr", "zh-CN"];
  try {
    Object.keys(settings).forEach(function (name) {
      localStorage.setItem(name, settings[name]);
    });
    if (!localStorage.getItem("lang")) {
      var own = languages.filter(function (language) {
        return language.slice(0, 2) === navigator.language.slice(0, 2);
      });
      localStorage.setItem("lang", own[0] || "en");
    }
  } catch (error) {
    // Without a storage the address has to be typed.
  }
})();
