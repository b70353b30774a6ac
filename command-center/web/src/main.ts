import { createApp } from "vue";
import App from "./App.vue";
import "./print";
import { router } from "./routes";
import "./styles/base.css";

createApp(App).use(router).mount("#app");
