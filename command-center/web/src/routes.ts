import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";
import { DOSSIER_KINDS } from "./api/dossiers";
import Overview from "./pages/Overview.vue";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", name: "overview", component: Overview },
    { path: "/incidents/:id", name: "incident", component: () => import("./pages/Incident.vue"), props: true },
    { path: "/cases", name: "cases", component: () => import("./pages/Cases.vue") },
    { path: "/cases/:id", name: "case", component: () => import("./pages/Case.vue"), props: true },
    { path: "/analyze", name: "analyze", component: () => import("./pages/Analyze.vue") },
    { path: "/serve", name: "serve", component: () => import("./pages/Serve.vue") },
    { path: "/supervise", name: "supervise", component: () => import("./pages/Supervise.vue") },
    { path: "/accounts", name: "accounts", component: () => import("./pages/Accounts.vue") },
    { path: "/supervise/checks/:id", name: "month-check", component: () => import("./pages/MonthCheck.vue"), props: true },
    { path: "/supervise/scores/:id", name: "published-month", component: () => import("./pages/PublishedMonth.vue"), props: true },
    { path: "/duty", name: "duty", component: () => import("./pages/Duty.vue") },
    ...DOSSIER_KINDS.flatMap((kind) => [
      { path: `/${kind}`, name: kind, component: () => import("./pages/Dossiers.vue"), props: { kind } },
      { path: `/${kind}/:id`, name: `${kind}-one`, component: () => import("./pages/Dossier.vue"), props: (route: RouteLocationNormalized) => ({ kind, id: String(route.params["id"]) }) },
    ]),
    { path: "/perceive", redirect: "/perceive/areas" },
    { path: "/perceive/:view(areas|roads|coverage|feeds|maintenance)", name: "perceive", component: () => import("./pages/Perceive.vue"), props: true },
    { path: "/sensors", name: "sensors", component: () => import("./pages/Sensors.vue") },
    { path: "/sensors/:id", name: "sensor", component: () => import("./pages/Sensor.vue"), props: true },
    { path: "/unknown-sensors", name: "unknown-sensors", component: () => import("./pages/UnknownSensors.vue") },
    { path: "/rules", name: "rules", component: () => import("./pages/Rules.vue") },
    { path: "/rules/workbench", name: "workbench", component: () => import("./pages/Workbench.vue") },
    { path: "/rules/why-not", name: "why-not", component: () => import("./pages/WhyNot.vue") },
    { path: "/citizen", name: "report", component: () => import("./citizen/Report.vue"), meta: { open: true } },
    { path: "/citizen/appeals", name: "appeals", component: () => import("./citizen/LookUp.vue"), meta: { open: true } },
    { path: "/citizen/data", name: "open-data", component: () => import("./citizen/OpenData.vue"), meta: { open: true } },
    { path: "/citizen/deliberations", name: "published", component: () => import("./citizen/Deliberations.vue"), meta: { open: true } },
    { path: "/wall", name: "wall", component: () => import("./pages/Wall.vue"), meta: { bare: true } },
    { path: "/:rest(.*)*", name: "missing", component: () => import("./pages/Missing.vue") },
  ],
});
