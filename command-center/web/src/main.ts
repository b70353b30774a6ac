import { createApp } from "vue";
import App from "./App.vue";
import "./print";
import { router } from "./routes";
import "./styles/base.css";
import "./styles/print.css";

createApp(App).use(router).mount("#app");
