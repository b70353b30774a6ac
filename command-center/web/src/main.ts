import { createApp } from "vue";
import App from "./App.vue";
import "./print";
import { router } from "./routes";
import "./styles/base.css";
import "./styles/print.css";
import { firstWords } from "./words";

void firstWords.then(() => createApp(App).use(router).mount("#app"));
