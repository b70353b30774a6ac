/** Made by `citywatch openapi | node api.mjs > src/api/schema.ts`: do not edit. */
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What an interview or an objection is about: a finding of a month, or a case. */
        About: {
            finding: components["schemas"]["FindingKind"];
            /** @enum {string} */
            kind: "finding";
            /** @description As in 2026-07. */
            month: string;
        } | {
            case: string;
            case_number: string;
            /** @enum {string} */
            kind: "case";
        };
        /** @description An account, without its password. */
        Account: {
            /** @description Codes; empty for the whole city. */
            areas: string[];
            /**
             * Format: int64
             * @description Wall time, epoch milliseconds.
             */
            created_at: number;
            /** @description Who made it. */
            created_by: string;
            /** @description Whether it may not sign in. */
            disabled: boolean;
            /** @description Its name. */
            name: string;
            /** @description What it may be. */
            roles: components["schemas"]["Role"][];
            /** @description The unit whose cases it handles. */
            unit: string | null;
        };
        /** @description All accounts by name. */
        AccountList: {
            items: components["schemas"]["Account"][];
        };
        /** @description Why it was acknowledged. */
        AcknowledgeBody: {
            /** @description At most 2,000 characters; may be empty. */
            note?: string;
        };
        /** @description Who saw to it. */
        Acknowledged: {
            /** Format: int64 */
            at: number;
            by: string;
            note: string;
        };
        /** @description What was done to it. */
        Act: {
            /** @description acknowledged, realarmed, assigned */
            act: string;
            /** Format: int64 */
            at: number;
            by: string;
            /** @description The note or the reason; of `realarmed` the severity that it came to. */
            note: string;
            /** @description Whom it was given to. */
            to: string | null;
        };
        /** @description A part for a unit: a case of its own, registered and dispatched at once. */
        AddPartBody: {
            limit?: string | null;
            title: string;
            unit: string;
        };
        /** @description How many sensors were heard last so long ago. */
        AgeCount: {
            /** Format: int64 */
            sensors: number;
            /**
             * Format: int64
             * @description At most so long ago, and longer than those before; null: longer than all of them.
             */
            up_to_ms: number | null;
        };
        /** @description What alarms are over a stretch of time. */
        AlarmHealth: {
            /**
             * Format: int64
             * @description Alarms that sounded three times within a minute.
             */
            chattering: number;
            /**
             * Format: int64
             * @description The stretch, from the first instant to the one after the last.
             */
            from: number;
            load: components["schemas"]["Load"];
            /** @description Those who acknowledged the most first; the alarms that nobody acknowledged under null. */
            operators: components["schemas"]["OperatorHealth"][];
            recommended: components["schemas"]["Recommended"];
            /** @description Those with the most alarms first. */
            rules: components["schemas"]["RuleHealth"][];
            /** @description How many sounded, by severity. */
            severities: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description Alarms that were open for more than a day at the end.
             */
            standing: number;
            /** Format: int64 */
            to: number;
            /**
             * Format: double
             * @description Which part the ten alarms have that sounded most often; null if none sounded.
             */
            top_ten_share: number | null;
        };
        /** @description How the alarms serve those who see to them. */
        AlarmReport: components["schemas"]["AlarmHealth"] & {
            /** @description Titles of the rules, by id. */
            titles: {
                [key: string]: components["schemas"]["BTreeMap"];
            };
        };
        /** @description An appeal as its reporter sees it. */
        Appeal: {
            channel: components["schemas"]["Channel"];
            class: string;
            class_name: components["schemas"]["BTreeMap"];
            /** @description Whether it follows what somebody else reported. */
            follows: boolean;
            is_open: boolean;
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            /** @description Whether its reporter may say now how it went. */
            may_rate: boolean;
            /** @description Whether it is handled as one with another report. */
            merged: boolean;
            next: components["schemas"]["AppealNext"] | null;
            /** @description The day, and a number of that day. */
            number: string;
            /** @description How many photos came with it. */
            photos: number;
            place_name: components["schemas"]["BTreeMap"];
            /** Format: int64 */
            received_at: number;
            /**
             * Format: int64
             * @description Until when its reporter may open it again, epoch milliseconds; null where they may not.
             */
            reopen_until: number | null;
            satisfied: components["schemas"]["Satisfied"] | null;
            solved: boolean | null;
            /** @description The state of the case that it has come to. */
            state: components["schemas"]["State"];
            state_text: components["schemas"]["BTreeMap"];
            /** @description What happened, first to last. */
            steps: components["schemas"]["AppealStep"][];
            /** @description Mobile telephone numbers are hidden. */
            text: string;
            /** @description The unit that has it; empty where none has. */
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description A class that citizens can report. */
        AppealClass: {
            class: string;
            name: components["schemas"]["BTreeMap"];
        };
        /** @description All of them, by code. */
        AppealClasses: {
            items: components["schemas"]["AppealClass"][];
        };
        /** @description What is next. */
        AppealNext: {
            /**
             * Format: int64
             * @description By when, epoch milliseconds; null where no limit runs.
             */
            by: number | null;
            text: components["schemas"]["BTreeMap"];
        };
        /** @description Appeals, newest first. */
        AppealPage: {
            items: components["schemas"]["AppealRow"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /** @description An appeal in the queue. */
        AppealRow: {
            /** @description The case that it has come to: its own, the one that it follows, or the one that it was merged into. */
            case: string;
            case_number: string;
            channel: components["schemas"]["Channel"];
            class: string;
            class_name: components["schemas"]["BTreeMap"];
            /** @description Whether somebody is in danger, as the reporter says. */
            danger: boolean;
            district: string | null;
            /** @description Masked, as in z***@example.com. */
            email: string | null;
            /** @description Whether it follows what somebody else reported. */
            follows: boolean;
            /** @description Whether one of that case's clocks is breached. */
            is_late: boolean;
            is_open: boolean;
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            /** @description Whether it is handled as one with another report. */
            merged: boolean;
            /** @description Masked, as in 138****5678; null where nobody told, or it is forgotten. */
            name: string | null;
            next: components["schemas"]["AppealNext"] | null;
            number: string;
            phone: string | null;
            place_name: components["schemas"]["BTreeMap"];
            /** Format: int64 */
            received_at: number;
            /** @description The number of the channel's own list. */
            reference: string | null;
            satisfied: components["schemas"]["Satisfied"] | null;
            solved: boolean | null;
            /** @description Of that case. */
            state: components["schemas"]["State"];
            subdistrict: string | null;
            /** @description The account or token that took it down; null where its reporter came by themselves. */
            taken_by: string | null;
            text: string;
            unit: string | null;
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Something that happened. */
        AppealStep: {
            /** Format: int64 */
            at: number;
            /** @description received, followed, or as the steps of cases are called. */
            step: string;
            text: components["schemas"]["BTreeMap"];
        };
        /** @description A draft that is to be in force, and why. */
        Apply: {
            /** @description As of a draft. */
            files: components["schemas"]["RuleFile"][];
            /** @description 1 to 2000 characters. */
            reason: string;
        };
        /** @description An area. */
        Area: {
            code: string;
            coverage: components["schemas"]["Coverage"] | null;
            level: string;
            name: components["schemas"]["BTreeMap"];
            /** @description The area that it lies in; null if it is not known. */
            parent: string | null;
        };
        /** @description Areas in the order of their codes. */
        AreaList: {
            items: components["schemas"]["Area"][];
        };
        /** @description Buckets of time with the values of an area's sensors in them; empty ones are absent. */
        AreaSeriesView: {
            /** @description Null for the city. */
            area: string | null;
            /** Format: int64 */
            from: number;
            /**
             * Format: int64
             * @description Sensors that were not asked, because there are more than 5,000; those that were stand evenly among them.
             */
            left_out: number;
            metric: string;
            /** @description Begin of the bucket, mean of the sensors' means, least, largest, number of values, sensors with a value in it. */
            points: number[][];
            /**
             * Format: int64
             * @description Sensors that were asked: those that measure it, and those of their domains of which nothing is known now.
             */
            sensors: number;
            /**
             * Format: int64
             * @description Width of a bucket.
             */
            step_ms: number;
            /** Format: int64 */
            to: number;
            /** @description Null if the metric is not known. */
            unit: string | null;
        };
        /** @description How an area is. */
        AreaState: {
            /** @description Of the natural hour that ended last; empty if nothing was measured in it. */
            air: components["schemas"]["HourMean"][];
            bins: components["schemas"]["Bins"] | null;
            cells: components["schemas"]["CellCounts"] | null;
            code: string;
            sensors: components["schemas"]["SensorCounts"];
            traffic: components["schemas"]["Delay"] | null;
            water: components["schemas"]["Water"] | null;
        };
        /** @description Areas that sensors stand in or that have cells, in the order of their codes. */
        AreaStates: {
            items: components["schemas"]["AreaState"][];
            /**
             * Format: int64
             * @description The newest tick of the log; null before the first.
             */
            now_at: number | null;
        };
        /** @description How a notice reached one contact. */
        Arrival: {
            /** Format: int64 */
            attempts: number;
            error: string | null;
            kind: components["schemas"]["ContactKind"] | null;
            /** @description waiting, failed, delivered, dead */
            state: string;
            /** @description Whose contact; empty if it is gone. */
            who: string;
        };
        /** @description An alarm that is, or was, set aside. */
        Aside: {
            /** Format: int64 */
            at: number;
            by: string;
            district: string | null;
            /** Format: int64 */
            ended_at: number | null;
            ended_by: string | null;
            id: string;
            key: string;
            kind: components["schemas"]["AsideKind"];
            reason: string;
            rule: string;
            subdistrict: string | null;
            /**
             * Format: int64
             * @description When it ends by itself; null if it does not.
             */
            until: number | null;
        };
        /**
         * @description How an alarm is set aside.
         * @enum {string}
         */
        AsideKind: "shelved" | "suppressed" | "out_of_service";
        /** @description Alarms that are set aside, the newest first. */
        AsideList: {
            items: components["schemas"]["Aside"][];
        };
        /** @description What an interview or an objection is to be about. */
        AskedAbout: {
            finding: components["schemas"]["FindingKind"];
            /** @enum {string} */
            kind: "finding";
            /** @description As in 2026-07. */
            month: string;
        } | {
            /** @description Id or number. */
            case: string;
            /** @enum {string} */
            kind: "case";
        };
        /** @description The limit that the unit asks for, of the unit of time that the limit has. */
        AskExtensionBody: {
            /** @description So much more, as in `4 work_hour`. */
            more: string;
            reason: string;
        };
        /** @description Who sees to it. */
        Assign: {
            /** @description At most 2,000 characters; may be empty. */
            reason?: string;
            /** @description An account's name, 64 characters at most; null for nobody. */
            to?: string | null;
        };
        /** @description An attribute that expressions may name. */
        AttributeWord: {
            /** @description bool, number, text, mixed */
            kind: string;
            /** @description Without `attr.`. */
            name: string;
        };
        /** @description An entry. */
        AuditEntry: {
            /** @description What it was done to. */
            about: string;
            /**
             * Format: int64
             * @description When, by the clock that the act has.
             */
            at: number;
            /** @description Who. */
            by: string;
            /** @description SHA-256 of what was done, word for word. */
            digest: string;
            /** @description SHA-256 of the entry before and this one. */
            hash: string;
            /**
             * Format: int64
             * @description From 1, without gaps.
             */
            seq: number;
            /** @description Which kind of act. */
            what: string;
        };
        /** @description A page of the audit, the newest entries first. */
        AuditPage: {
            /** @description Where the chain ends now, as SEQ:HASH, for `citywatch audit verify --head`; null without an entry. */
            head: string | null;
            items: components["schemas"]["AuditEntry"][];
            /**
             * Format: int64
             * @description What `before` is for the next page; null at the end. A page may be short, or empty, before that: 100,000 entries are
             *     looked at for each.
             */
            next: number | null;
        };
        /** @description Whether the newest entries hang together. */
        AuditVerified: {
            /** @description Where the chain ends, as SEQ:HASH; null where it is broken. */
            head: string | null;
            is_whole: boolean;
            /**
             * Format: int64
             * @description How many entries were looked at: the newest, 10,000 at most; null where it is broken.
             */
            looked: number | null;
            /** @description The first thing that is wrong; null where nothing is. */
            why: string | null;
        };
        /** @description A backtest. */
        Backtest: {
            /** @description Who asked for it. */
            by: string;
            /**
             * Format: double
             * @description How far it came, 0 to 1.
             */
            done: number;
            /**
             * Format: int64
             * @description Event time.
             */
            from: number;
            /** Format: int64 */
            id: number;
            /** @description Why it failed. */
            problem: string | null;
            /**
             * Format: int64
             * @description Readings so far.
             */
            readings: number;
            result: components["schemas"]["Backtested"] | null;
            state: components["schemas"]["BacktestState"];
            /** Format: int64 */
            to: number;
        };
        /** @description A draft, and the stretch of time that it is tried on. */
        BacktestBody: {
            /** @description As of a draft. */
            files: components["schemas"]["RuleFile"][];
            /**
             * Format: int64
             * @description Event time, epoch milliseconds.
             */
            from: number;
            /**
             * Format: int64
             * @description Without this instant; at most 31 days later.
             */
            to: number;
        };
        /** @description What the rules in force and a draft found in the same readings. */
        Backtested: {
            /** @description Incidents that are others, by time; the first thousand. */
            changes: components["schemas"]["IncidentChange"][];
            /**
             * Format: int64
             * @description How many more there were.
             */
            changes_left_out: number;
            /**
             * Format: int64
             * @description Time of the earliest; null if there was none.
             */
            first: number | null;
            /**
             * Format: int64
             * @description Time of the latest.
             */
            last: number | null;
            /**
             * Format: int64
             * @description Of these so many came too late to be looked at.
             */
            late: number;
            /**
             * Format: int64
             * @description How many there were.
             */
            readings: number;
            /** @description By rule id; rules of either set. */
            rules: components["schemas"]["RuleBacktest"][];
            /** @description Where the readings come from: log, or history where the log does not reach back so far. */
            source: string;
            /**
             * Format: int64
             * @description How long each is.
             */
            step_ms: number;
            /**
             * Format: int64
             * @description Where the first step of `opened` begins.
             */
            steps_from: number;
        };
        /**
         * @description How a backtest is.
         * @enum {string}
         */
        BacktestState: "running" | "done" | "failed" | "cancelled";
        /** @description Tiles of a basemap, 256 or 512 pixels a side, in the usual quartering of the web's Mercator. */
        Basemap: {
            /** @description Whose map it is, as that one wants it told; may be empty. */
            attribution: string;
            /** @description The grid that the tiles are drawn on: wgs84, gcj02 */
            datum: string;
            /**
             * Format: int32
             * @description The nearest zoom that there are tiles for; nearer, these are enlarged.
             */
            max_zoom: number;
            /** @description Where a tile is: an address with `{z}`, `{x}`, and `{y}` or, where rows are counted from the south, `{-y}`. */
            tiles: string;
        };
        /** @description How many bins that are online are how full, by what is common practice. */
        Bins: {
            /**
             * Format: int32
             * @description From 80 %: collection is to be planned.
             */
            due: number;
            /**
             * Format: int32
             * @description From 100 %.
             */
            full: number;
            /**
             * Format: int32
             * @description Less than 80 %.
             */
            room: number;
            /**
             * Format: int32
             * @description From 95 %: urgent.
             */
            urgent: number;
        };
        BTreeMap: {
            [key: string]: string;
        };
        /** @description By which formula something was derived. */
        ByFormula: {
            /** @description Its name and version, as in city/3. */
            formula: string;
            /** @description SHA-256 of the formula's file, in hexadecimal. */
            formula_digest: string;
            /** @description As in 2026-07. */
            month: string;
        };
        /** @description An appeal of a case. */
        CaseAppeal: {
            account: string | null;
            /** @description The case that was made for it; another than this one where it was merged, and `unmerge` there takes that back. */
            case: string;
            channel: components["schemas"]["Channel"];
            class: string;
            /** @description Masked: the first two characters. */
            device: string | null;
            /** @description Masked, as in z***@example.com. */
            email: string | null;
            follows: boolean;
            likeness: components["schemas"]["Likeness"] | null;
            /** @description Masked, as in 138****5678; null where nobody told, or it is forgotten. */
            name: string | null;
            number: string;
            phone: string | null;
            /** Format: int64 */
            received_at: number;
            satisfied: components["schemas"]["Satisfied"] | null;
            solved: boolean | null;
            text: string;
        };
        /** @description The appeals of a case. */
        CaseAppeals: {
            /** @description Oldest first, 200 at most. */
            items: components["schemas"]["CaseAppeal"][];
        };
        /** @description A case with all that happened to it. */
        CaseDetail: components["schemas"]["CaseRow"] & {
            /** @description What who asks may do now: the last parts of the routes, in the order of the table in docs/cases.md. */
            acts: string[];
            /** @description The limit that the unit asks for. */
            asked: string | null;
            /** @description Up to which level a breach climbed: district, city */
            climbed_to: string | null;
            clocks: components["schemas"]["Clock"][];
            /** Format: int64 */
            closed_at: number | null;
            counts: components["schemas"]["Counts"];
            description: string;
            duplicate_of: string | null;
            /** @description Hashes. */
            evidence: string[];
            /** @description Of these, what the unit that has it added since it was sent or sent back to it: what its feedback may name. */
            evidence_after: string[];
            /** @description Whether each task waits for those before it. */
            in_order: boolean;
            incidents: string[];
            key: string | null;
            /** @description The limit of each clock in milliseconds of its unit of time, in the order of `clocks`. */
            limit_ms: number[];
            /** @description Units that were called and had not reported in when the case was closed. */
            missed: string[];
            /** @description Parts by id, and whether each is over. */
            parts: {
                [key: string]: boolean;
            };
            proposal: components["schemas"]["Proposal"] | null;
            /** Format: int64 */
            registered_at: number | null;
            /** @description The rule and key of the incident that it was made from. */
            rule: string | null;
            /**
             * Format: int32
             * @description 1 to 5.
             */
            score: number | null;
            /** @description Time by unit: blame is split at each hand-over. */
            segments: components["schemas"]["Segment"][];
            /** @description sensor, staff, citizen */
            source: string;
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
            /** Format: int64 */
            suspended_until: number | null;
            tasks: components["schemas"]["TaskView"][];
            /** @description What each clock has used of its limit until now, in milliseconds, in the order of `clocks`. */
            used_ms: number[];
            whistles: components["schemas"]["Whistle"][];
        };
        /** @description Cases, newest change first; after the last page come those that changed since the first. */
        CasePage: {
            items: components["schemas"]["CaseRow"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /** @description A case in a list. */
        CaseRow: {
            /**
             * Format: int32
             * @description How often a unit returned it, or it was transferred to another.
             */
            bounces: number;
            /** Format: int64 */
            changed_at: number;
            class: string;
            /** @description The class's name by language; empty if the class is no longer listed. */
            class_name: components["schemas"]["BTreeMap"];
            district: string | null;
            domain: string | null;
            /**
             * Format: int64
             * @description When the first of its clocks is due; null while none runs.
             */
            due_at: number | null;
            id: string;
            /** @description Whether one of its clocks is breached. */
            is_late: boolean;
            is_open: boolean;
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            /** @description 19 digits: district, day, number of that day. */
            number: string;
            parent: string | null;
            place_name: components["schemas"]["BTreeMap"];
            /** Format: int64 */
            reported_at: number;
            severity: string;
            state: components["schemas"]["State"];
            subdistrict: string | null;
            title: string;
            /** @description The rule's title by language, where it was made from an incident. */
            title_by_language: components["schemas"]["BTreeMap"];
            /** @description The unit that has it. */
            unit: string | null;
            unit_name: components["schemas"]["BTreeMap"];
            /**
             * Format: int64
             * @description Names this version; the ETag of the detail.
             */
            version: number;
            /**
             * Format: int64
             * @description When the first of its clocks warns, at 80 % of its limit; null while none runs.
             */
            warn_at: number | null;
        };
        /** @description A cell and the sensors in it. */
        Cell: {
            code: string;
            /** Format: int32 */
            online: number;
            /** @description The area that it lies in; null if it is not known. */
            parent: string | null;
            /**
             * Format: int32
             * @description Sensors that stand in it, and those of them that are online.
             */
            sensors: number;
            watch: components["schemas"]["Watch"];
        };
        /** @description How many cells are how. */
        CellCounts: {
            /**
             * Format: int64
             * @description Cells in which no sensor stands.
             */
            bare: number;
            /**
             * Format: int64
             * @description Cells in which sensors stand and none is online.
             */
            quiet: number;
            /**
             * Format: int64
             * @description Cells in which a sensor is online.
             */
            watched: number;
        };
        /** @description Cells in the order of their codes. */
        CellPage: {
            items: components["schemas"]["Cell"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /** @description A chain. */
        Chain: {
            /** @description Codes of districts and subdistricts; none for the whole city. */
            areas?: string[];
            /** @description Classes of cases, of incidents the class of their rule; none for all. */
            classes?: string[];
            /** @description drainage, waste, traffic, air, cross; none for all. */
            domains?: string[];
            /** @description By what things are one group; by nothing, all that the chain follows is one. */
            group_by?: components["schemas"]["GroupBy"][];
            /**
             * Format: int64
             * @description From one notice of a group to the next, of what joined or is over.
             */
            interval_ms?: number;
            /** @description 1 to 64 characters. */
            name: string;
            quiet?: components["schemas"]["Quiet"] | null;
            /**
             * Format: int64
             * @description From one notice to the same again; never if it is null.
             */
            repeat_ms?: number | null;
            /** @description The least: minor, moderate, severe, extreme. */
            severity?: string;
            steps: components["schemas"]["ChainStep"][];
            subject?: components["schemas"]["Subject"];
            /**
             * Format: int64
             * @description From the begin of a group to its first notice.
             */
            wait_ms?: number;
        };
        /** @description The chains by name. */
        ChainList: {
            items: components["schemas"]["ChainRow"][];
        };
        /** @description A chain in the list. */
        ChainRow: components["schemas"]["Chain"] & {
            /** @description Groups that it is at work on. */
            groups: number;
            id: string;
            /**
             * Format: int64
             * @description Names this version: If-Match has it in quotes.
             */
            version: number;
        };
        /** @description A step: who is told, and how long their answer is waited for before the next is taken. */
        ChainStep: {
            /** @description Names of people or groups, and `roster/` with a roster's id for who is on duty then. */
            notify: string[];
            /**
             * Format: int64
             * @description Milliseconds.
             */
            wait_ms: number;
        };
        /**
         * @description By which way it came.
         * @enum {string}
         */
        Channel: "page" | "hotline" | "open311" | "wechat";
        /** @description What to draw of the evidence. */
        Chart: {
            metric: string;
            sensor: string;
            threshold: components["schemas"]["ChartLine"][];
            unit: string | null;
        };
        /** @description A line across a chart. */
        ChartLine: {
            kind: components["schemas"]["ThresholdKind"];
            severity: string;
            /** Format: double */
            value: number;
        };
        /** @description What checking found, with hashes of evidence that the case has. */
        CheckBody: {
            evidence?: string[];
            note?: string;
            result: components["schemas"]["CheckResult"];
        };
        /** @description What checking found. */
        Checked: {
            /** @description By file and place. */
            diagnostics: components["schemas"]["RuleDiagnostic"][];
            /** @description Whether the rules can be used. */
            good: boolean;
            /**
             * Format: int64
             * @description How many more there were.
             */
            left_out: number;
            /**
             * Format: int64
             * @description How many there are, without the disabled ones; 0 where they cannot be used.
             */
            rules: number;
        };
        /** @description What the lot is drawn from: a class in a subdistrict. */
        CheckedPart: {
            /** @description The subdistrict's code. */
            area: string;
            /**
             * Format: int64
             * @description Cells that it has, squares of a thousandth of a degree.
             */
            cells: number;
            class: string;
        };
        /** @description What a month's visits found, of one class or of all. */
        CheckedVisits: {
            estimate: components["schemas"]["MissedEstimate"] | null;
            /**
             * Format: int64
             * @description Events that were found.
             */
            found: number;
            /**
             * Format: int64
             * @description Those of them that nobody had reported.
             */
            missed: number;
            /**
             * Format: int64
             * @description Visits that were drawn.
             */
            planned: number;
            /**
             * Format: int64
             * @description Those that were made.
             */
            visited: number;
        };
        /**
         * @description What checking found.
         * @enum {string}
         */
        CheckResult: "fixed" | "not_fixed" | "cannot_tell";
        /** @description A class of cases. */
        Class: {
            check: string;
            class: string;
            climb: string;
            /** @description Limits, as in `4 work_hour`. */
            dispatch: string;
            /** @description Whether feedback needs evidence. */
            evidence: boolean;
            handle: string;
            name: components["schemas"]["BTreeMap"];
            /** @description What is to be done, in order. */
            plan: components["schemas"]["BTreeMap"][];
            /** @description The power that a unit needs. */
            power: string | null;
            /** @description Which list of codes it is of. */
            scheme: string;
            total: string;
            /** @description How far a case of a sensor's incident goes by itself: reported, verified, registered. */
            trust: string;
        };
        /** @description All classes by code. */
        Classes: {
            items: components["schemas"]["Class"][];
        };
        /** @description What people told of a class that sensors did not. */
        ClassVerdict: {
            class: string;
            /**
             * Format: int64
             * @description Real cases that people told of and no rule, although a sensor of the rules stands there.
             */
            missed: number;
            /**
             * Format: double
             * @description The share of those told among those told and missed; null where there are none.
             */
            recall: number | null;
            recall_interval: components["schemas"]["Interval"] | null;
            /** @description The rules whose incidents become cases of it. */
            rules: string[];
            /**
             * Format: int64
             * @description Real cases that a rule told of.
             */
            told: number;
            /**
             * Format: int64
             * @description Real cases that people told of where no such sensor stands, or of whose place nothing is known.
             */
            unwatched: number;
        };
        /** @description A clock. It runs, is paused, or has stopped. */
        Clock: {
            /** Format: int64 */
            breached_at: number | null;
            /** Format: int64 */
            due_at: number | null;
            /** @description As in `4 work_hour`. */
            limit: string;
            /**
             * Format: int64
             * @description Since when it runs; null while it is paused or stopped.
             */
            running_since: number | null;
            stage: components["schemas"]["Stage"];
            /** Format: int64 */
            started_at: number;
            /**
             * Format: int64
             * @description When what it measures ended.
             */
            stopped_at: number | null;
            /**
             * Format: int64
             * @description Time that counted before `running_since`, in milliseconds.
             */
            used_ms: number;
            /**
             * Format: int64
             * @description When it warns and is breached if it runs on; null while it does not run.
             */
            warn_at: number | null;
            /**
             * Format: int64
             * @description When it warned and was breached; null if it was not.
             */
            warned_at: number | null;
        };
        /** @description What comes of it. */
        Conclusion: {
            note: string;
        };
        /** @description Who said it, in clear. */
        Contact: {
            account: string;
            /** @description What an Open311 client calls the device and the account. */
            device: string;
            email: string;
            name: string;
            phone: string;
        };
        /**
         * @description A way to reach somebody.
         * @enum {string}
         */
        ContactKind: "email" | "wecom" | "dingtalk" | "webhook";
        /** @description The contacts by name. */
        ContactList: {
            items: components["schemas"]["DutyContact"][];
        };
        /** @description A contact, and the secret of a webhook. */
        ContactMade: {
            contact: components["schemas"]["DutyContact"];
            /** @description Begins with `whsec_`; told this once. */
            secret: string | null;
        };
        /** @description What an objection is against. */
        Contested: {
            /**
             * Format: int64
             * @description The version of the step that says it.
             */
            at_version: number;
            case: string;
            case_number: string;
            deduction: components["schemas"]["DeductionKind"];
            /** @enum {string} */
            kind: "case";
        } | {
            finding: components["schemas"]["FindingKind"];
            /** @enum {string} */
            kind: "finding";
            /** @description As in 2026-07. */
            month: string;
        };
        /** @description What an objection is against. */
        CorrectedThing: {
            /**
             * Format: int64
             * @description The version of the step that says it.
             */
            at_version: number;
            /** @description The case. */
            case: string;
            /** @description handled_late, closed_late, returned, reworked */
            deduction: string;
            /** @enum {string} */
            kind: "case";
        } | {
            /** @description Which. */
            finding: components["schemas"]["FindingKind"];
            /** @enum {string} */
            kind: "finding";
            /** @description As in 2026-07. */
            month: string;
        };
        /** @description An upheld objection that changes a month. */
        Correction: {
            /** @description What it was against. */
            against: components["schemas"]["CorrectedThing"];
            /** @description Whether the formula counts it; an older version does not. */
            counted: boolean;
            /** @description Its number. */
            objection: string;
            /** @description The unit. */
            unit: string;
            /**
             * Format: int64
             * @description When it was upheld.
             */
            upheld_at: number;
        };
        /** @description How often things happened to a case. */
        Counts: {
            /** Format: int32 */
            absorbed: number;
            /** Format: int32 */
            breached: number;
            /** Format: int32 */
            dispatches: number;
            /** Format: int32 */
            extensions: number;
            /** Format: int32 */
            feedbacks: number;
            /**
             * Format: int32
             * @description Dispatches to another unit than was proposed, or sent back: the proposal was wrong.
             */
            misdispatches: number;
            /** Format: int32 */
            reopened: number;
            /** Format: int32 */
            returns: number;
            /** Format: int32 */
            rework: number;
            /** Format: int32 */
            suspensions: number;
            /** Format: int32 */
            transfers: number;
            /** Format: int32 */
            urges: number;
            /** Format: int32 */
            warned: number;
        };
        /** @description How well an area is covered. */
        Coverage: {
            /** @description full: nine of ten report; partial: half; poor; none */
            class: string;
            /**
             * Format: int32
             * @description Sensors in service that reported, and that were silent, when the class became this one.
             */
            reporting: number;
            /** Format: int32 */
            silent: number;
            /**
             * Format: int64
             * @description Event time since when it is so.
             */
            since: number;
        };
        /**
         * @description What was counted against a unit in a case.
         * @enum {string}
         */
        DeductionKind: "handled_late" | "closed_late" | "returned" | "reworked";
        /** @description What was counted against units in a case. */
        Deductions: {
            items: components["schemas"]["DeductionView"][];
        };
        /** @description Something that was counted against a unit. */
        DeductionView: {
            /**
             * Format: int64
             * @description The version of the step that says it.
             */
            at_version: number;
            /** Format: int64 */
            counted_at: number;
            deduction: components["schemas"]["DeductionKind"];
            /** @description The number of the objection against it; null where there is none. */
            objection: string | null;
            state: components["schemas"]["ObjectionState"] | null;
            unit: string;
            unit_name: components["schemas"]["BTreeMap"];
            /**
             * Format: int64
             * @description Until when the unit may object.
             */
            until: number;
        };
        /** @description The time that traffic loses. */
        Delay: {
            /**
             * Format: double
             * @description The delay-time proportion of GB/T 33171-2016, 1 − v / v_free and at least 0, as the mean of the detectors.
             */
            delay_ratio: number;
            /**
             * Format: int32
             * @description Detectors that were heard.
             */
            detectors: number;
        };
        /** @description A deliberation. */
        Deliberation: components["schemas"]["DossierHead"] & {
            agenda: string[];
            cause: components["schemas"]["DeliberationCause"];
            conclusion: string | null;
            of: components["schemas"]["OfCase"];
            /** @description What can be voted for, from option 1. */
            options: string[];
            /** Format: int64 */
            published_at: number | null;
            /** @description What is asked. */
            question: string;
            /** @description For whom each seat is, from seat 1. */
            seats: components["schemas"]["Seat"][];
            state: components["schemas"]["DeliberationState"];
            /** @description The option that each seat voted for. */
            votes: {
                [key: string]: number;
            };
        };
        /**
         * @description Why a case is put to a panel.
         * @enum {string}
         */
        DeliberationCause: "major" | "complex" | "watched";
        /** @description A deliberation with its steps. */
        DeliberationDetail: components["schemas"]["Deliberation"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            /** @description Those of the panel who are known, masked. */
            people: components["schemas"]["PersonView"][];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
            /** @description The votes of each option. */
            tally: number[];
        };
        /** @description Deliberations, newest first, 200 at most. */
        Deliberations: {
            items: components["schemas"]["Deliberation"][];
        };
        /**
         * @description How it stands.
         * @enum {string}
         */
        DeliberationState: "gathering" | "voting" | "concluded" | "published" | "withdrawn";
        /** @description A delivery. */
        Delivery: {
            /**
             * Format: int64
             * @description Tries so far.
             */
            attempts: number;
            /** Format: int64 */
            created_at: number;
            /** @description Why the last try failed. */
            error: string | null;
            /** @description The same for every try: who meets it twice may drop one. */
            id: string;
            /** @description As in `org.citywatch.incident.opened`. */
            kind: string;
            /**
             * Format: int64
             * @description When it is tried next; of no meaning once it is over.
             */
            next_at: number;
            /**
             * Format: int64
             * @description Counts the deliveries in the order in which they were added.
             */
            seq: number;
            state: components["schemas"]["DeliveryState"];
            /**
             * Format: int64
             * @description The HTTP status of the last answer; null where there was none.
             */
            status: number | null;
            /** @description What it is about: an incident's or a case's id, or nothing. */
            subject: string;
            /**
             * Format: int64
             * @description When it was tried last.
             */
            tried_at: number | null;
        };
        /** @description Deliveries, the newest first; where there are a hundred, ask for those before the last. */
        DeliveryList: {
            items: components["schemas"]["Delivery"][];
        };
        /**
         * @description How a delivery stands.
         * @enum {string}
         */
        DeliveryState: "waiting" | "failed" | "delivered" | "dead";
        /**
         * @description How bad something is.
         * @enum {string}
         */
        DiagnosticLevel: "error" | "warning";
        /** @description Sends it to a unit. */
        DispatchBody: {
            /** @description As in `4 work_hour`; that of the class if it is left out. */
            limit?: string | null;
            note?: string;
            /** @description The one that the duty list proposes if it is left out. */
            unit?: string | null;
        };
        /** @description A party of the dispute. Who it is stays in the store. */
        Disputant: {
            name?: string;
            party: components["schemas"]["Party"];
            phone?: string;
        };
        /** @description What every dossier has. */
        DossierHead: {
            /** Format: int64 */
            began_at: number;
            /** Format: int64 */
            changed_at: number;
            id: string;
            /** @description The day, and its number of that day. */
            number: string;
            /** @description On which side each person acted. */
            sides: {
                [key: string]: components["schemas"]["Side"];
            };
            /**
             * Format: int64
             * @description Steps so far; names this version: the ETag of the detail.
             */
            version: number;
        };
        /** @description Why. */
        DossierReason: {
            reason: string;
        };
        /** @description A step of the plan is done. */
        DoTaskBody: {
            /** @description Its place in the plan, from 0. */
            task: number;
        };
        /** @description A draft: the whole of a rule set. */
        Draft: {
            /** @description At most 64, with 1 MiB of text; those that end in `.test.yaml` are tests. */
            files: components["schemas"]["RuleFile"][];
        };
        /** @description Who answers for a class at a level. */
        Duty: {
            /** @description Null for every area of the level. */
            area: string | null;
            class: string;
            /** @description city, district, subdistrict */
            level: string;
            unit: string;
        };
        /** @description A contact; its address is shown in part. */
        DutyContact: {
            /** @description Without what makes it a secret. */
            address: string;
            /** Format: int64 */
            created_at: number;
            created_by: string;
            id: string;
            kind: components["schemas"]["ContactKind"];
            language: components["schemas"]["Language"];
            who: string;
        };
        /** @description All duties. */
        DutyList: {
            items: components["schemas"]["Duty"][];
        };
        /** @description Why it ends. */
        EndAside: {
            reason?: string;
        };
        /** @description Why it ends. */
        EndMaintenance: {
            /** @description At most 2,000 characters; may be empty. */
            reason?: string;
        };
        /** @description The outcome of a month. */
        Enforcement: {
            /** @description What was found, by kind and unit. */
            findings: components["schemas"]["Finding"][];
            /** @description How many tests were made. */
            tests: number;
        };
        /** @description Judges how it was handled. */
        EvaluateBody: {
            note?: string;
            /**
             * Format: int32
             * @description 1 to 5.
             */
            score: number;
        };
        /** @description As `citywatch rules explain --format json` tells it. */
        Explanation: Record<string, never>;
        /** @description A case to show. */
        Exposed: {
            /** @description The case. */
            case: string;
            /** @description Its class. */
            class: string;
            /** @description Its district. */
            district: string;
            /** @description What went badly, the worst first. */
            reasons: components["schemas"]["ExposedReason"][];
            /** @description The unit with which it went so: each its own part by a formula that splits hand-overs, else the one that had it last. */
            unit: string;
        };
        /** @description What went badly. Later ones are worse. */
        ExposedReason: {
            /**
             * Format: int64
             * @description By how much.
             */
            late: number;
            /** @enum {string} */
            reason: "handled-late";
        } | {
            /**
             * Format: int64
             * @description When.
             */
            at: number;
            /** @enum {string} */
            reason: "unproven";
        } | {
            /** @enum {string} */
            reason: "reworked";
            /** @description How often, until the period ended. */
            times: number;
        } | {
            /** @enum {string} */
            reason: "reopened";
            /** @description How often, until the period ended. */
            times: number;
        } | {
            /**
             * Format: int64
             * @description For how long, when the period ended.
             */
            late: number;
            /** @enum {string} */
            reason: "left";
        };
        /** @description The sensors of a domain. */
        Feed: {
            /** @description How old the newest readings of its sensors are, from fresh to old. Sensors that were never heard are in none. */
            ages: components["schemas"]["AgeCount"][];
            delay: components["schemas"]["FeedDelay"] | null;
            /** @description Free text, weather for one. */
            domain: string;
            /**
             * Format: int64
             * @description Time of the newest reading; null if none is known.
             */
            heard_at: number | null;
            /**
             * Format: int64
             * @description Sensors that a window of maintenance is about now: their own, or their subdistrict's or district's.
             */
            maintenance: number;
            /**
             * Format: int64
             * @description Sensors of which a reading was refused within the last hour because it cannot be true.
             */
            out_of_range: number;
            sensors: components["schemas"]["SensorCounts"];
        };
        /** @description What the unit says, with hashes of evidence that it added since it was sent or sent back to it. */
        FeedbackBody: {
            evidence?: string[];
            note?: string;
        };
        /** @description How far the log's clock was past a reading when that came, over the last reading of each sensor. */
        FeedDelay: {
            /** Format: int64 */
            median_ms: number;
            /**
             * Format: int64
             * @description Nineteen of twenty were not later.
             */
            p95_ms: number;
            /** Format: int64 */
            sensors: number;
        };
        /** @description The feeds by domain, in the order of its name. */
        FeedList: {
            items: components["schemas"]["Feed"][];
            /**
             * Format: int64
             * @description The newest tick of the log; null before the first.
             */
            now_at: number | null;
        };
        /** @description What the edge has counted. */
        FeedView: {
            /** Format: int64 */
            accepted: number;
            /** Format: int64 */
            lag_ms: number | null;
            /** Format: int64 */
            refused: number;
        };
        /** @description A month that was published. */
        Figures: components["schemas"]["ByFormula"] & {
            /** @description How many upheld objections change it. */
            corrections: number;
            /** @description SHA-256 of the month's report as `citywatch supervise score --format json` prints it. */
            digest: string;
            /** @description How many findings of selective enforcement there are. */
            findings: number;
            /** @description The rankings. */
            groups: components["schemas"]["PeerGroup"][];
            /** @description By topic: the first offset of each partition that was not read. */
            log: {
                [key: string]: number[];
            };
        };
        /** @description What was found of a unit. */
        Finding: {
            /**
             * Format: double
             * @description How much more that is than its peers'; for (a) and (b) beyond what it is more on its other cases.
             */
            difference: number;
            /** @description The cases, or incidents for (e), to look at. */
            evidence: string[];
            /**
             * Format: double
             * @description What its peers would have had of the same mix of work, as a share.
             */
            expected: number;
            /** @description The peers that it was compared with. */
            group: string;
            /** @description The exact interval of the odds ratio; an end without bound is null in JSON. */
            interval: components["schemas"]["Interval"];
            /** @description What. */
            kind: components["schemas"]["FindingKind"];
            /**
             * Format: double
             * @description The odds against its peers'.
             */
            odds_ratio: number | null;
            /**
             * Format: double
             * @description The chance of so much or more without a cause.
             */
            p: number;
            /**
             * Format: double
             * @description The same, corrected for all tests of the month.
             */
            q: number;
            /** @description What counts against it, of what it had. */
            share: components["schemas"]["Rate"];
            /** @description The unit. */
            unit: string;
        };
        /**
         * @description What is asked of each unit.
         * @enum {string}
         */
        FindingKind: "hard-left" | "low-score-left" | "repeats" | "at-the-limit" | "unproven" | "unseen";
        /** @description A raised finding. */
        FindingRow: components["schemas"]["RaisedFinding"] & {
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Raised findings, newest first, 200 at most. */
        Findings: {
            items: components["schemas"]["FindingRow"][];
        };
        /** @description When a limit is reached. */
        Forecast: {
            /**
             * Format: int64
             * @description By the middle slope.
             */
            at: number;
            /**
             * Format: int64
             * @description By the steepest and the flattest slope of the 95 % interval; `latest` is null where that is too far off to tell.
             */
            earliest: number;
            error: components["schemas"]["HeldOut"] | null;
            /** Format: int64 */
            latest: number | null;
            /**
             * Format: double
             * @description An hour.
             */
            slope_per_hour: number;
        };
        /**
         * @description What a limit is.
         * @enum {string}
         */
        ForecastLimit: "full" | "crown";
        /** @description What is foretold of a sensor. */
        Forecasts: {
            /** @description Empty for a sensor of which nothing is foretold. */
            items: components["schemas"]["ForecastView"][];
        };
        /** @description When a value reaches its limit. */
        ForecastView: {
            forecast: components["schemas"]["Forecast"] | null;
            limit: components["schemas"]["ForecastLimit"];
            metric: string;
            /**
             * Format: int64
             * @description Readings that were looked at.
             */
            readings: number;
            /** Format: double */
            value: number;
        };
        /**
         * @description The form of a subscriber's messages.
         * @enum {string}
         */
        Form: "json" | "cap";
        /** @description An event of the visit's class that was found. */
        FoundEvent: {
            /** @description The number of the case that knows it; null where nobody had reported it. */
            case_number: string | null;
            /** Format: double */
            lat: number;
            /** Format: double */
            lon: number;
            what: string;
        };
        /** @description A function that expressions may call. */
        FunctionWord: {
            /** @description How it is called. */
            example: string;
            /** @description As expressions write it. */
            name: string;
        };
        /**
         * @description By what things are one group.
         * @enum {string}
         */
        GroupBy: "rule" | "domain" | "district" | "subdistrict";
        /** @description A note for who comes next. */
        Handover: {
            /** Format: int64 */
            at: number;
            by: string;
            id: string;
            note: string;
        };
        /** @description Whether it works. */
        Health: {
            /** @description ok, starting */
            status: string;
        };
        /** @description How far forecasts from earlier moments were off. */
        HeldOut: {
            /**
             * Format: int64
             * @description So long ahead.
             */
            ahead_ms: number;
            /**
             * Format: int64
             * @description Forecasts that were tried.
             */
            forecasts: number;
            /**
             * Format: double
             * @description Half of the forecasts were off by no more than this, in the value's unit.
             */
            off_by: number;
        };
        /** @description An area. */
        HotArea: {
            code: string;
            /** Format: int64 */
            incidents: number;
            is_hot: boolean;
            /** Format: double */
            lat: number;
            /** Format: double */
            lon: number;
            name: components["schemas"]["BTreeMap"];
            /** Format: int64 */
            sensors: number;
            spot: components["schemas"]["Spot"] | null;
        };
        /** @description Where incidents gather. */
        HotSpots: {
            /**
             * Format: int64
             * @description How many areas were compared: those with a sensor. What nobody watches is unknown, not quiet.
             */
            compared: number;
            /**
             * Format: int64
             * @description Fewer are not compared: then `z` and `p` are null.
             */
            compared_least: number;
            /**
             * Format: int64
             * @description Incidents of no area that is compared: of a district, a road, the city.
             */
            elsewhere: number;
            /**
             * Format: double
             * @description Of the hot areas no more than this share is by chance.
             */
            false_share: number;
            /** Format: int64 */
            from: number;
            /** Format: int64 */
            incidents: number;
            /** @description Those with incidents, and the hot ones, the hottest first; 500 at most. */
            items: components["schemas"]["HotArea"][];
            /**
             * Format: int64
             * @description How many more there were.
             */
            left_out: number;
            level: string;
            /**
             * Format: int64
             * @description Neighbours that count with an area.
             */
            neighbours: number;
            per_sensor: boolean;
            /** Format: int64 */
            to: number;
        };
        /** @description What the sensors of an area measured of a pollutant in a natural hour. */
        HourMean: {
            /**
             * Format: int64
             * @description The end of the hour.
             */
            ended_at: number;
            /**
             * Format: double
             * @description The mean of the sensors' means.
             */
            mean: number;
            metric: string;
            /**
             * Format: int32
             * @description Sensors with a reading in the hour.
             */
            sensors: number;
        };
        /** @description What became of a list. */
        ImportedAppeals: {
            /** @description How many were in before. */
            known: number;
            /** @description How many of those are handled as one with what was known. */
            merged: number;
            /** @description Those that could not be taken. */
            refused: components["schemas"]["RefusedLineReason"][];
            /** @description Those that are new, in the order of the list, each with the secret that its reporter is told. */
            taken: components["schemas"]["TakenLine"][];
        };
        /** @description An incident. */
        Incident: {
            acknowledged: components["schemas"]["Acknowledged"] | null;
            /** @description As ISA-18.2 has it: unacknowledged, acknowledged, returned_unacknowledged, normal */
            alarm_state: string;
            aside: components["schemas"]["AsideKind"] | null;
            /** @description Who sees to it. */
            assignee: string | null;
            /** Format: int64 */
            changed_at: number;
            /** Format: int64 */
            cleared_at: number | null;
            district: string | null;
            domain: string;
            id: string;
            /** @description Whether other incidents inhibit it: then it is no alarm of its own. */
            inhibited: boolean;
            /** @description What it is about: a sensor's id or an area's code. */
            key: string;
            key_kind: components["schemas"]["KeyKind"];
            /** @description The window of maintenance that it opened in, as long as that lasts. */
            maintenance: string | null;
            message: string | null;
            /** Format: int64 */
            opened_at: number;
            place: components["schemas"]["Place"] | null;
            place_name: components["schemas"]["BTreeMap"];
            /** Format: int32 */
            revision: number;
            rule: string;
            /** @description minor, moderate, severe, extreme */
            severity: string;
            /** @description Whether what decides is unknown at present. */
            stale: boolean;
            /** @description open, cleared */
            state: string;
            subdistrict: string | null;
            /** @description The rule's title by language, `zh` and `en`; one may be missing. */
            title: components["schemas"]["BTreeMap"];
        };
        /** @description An incident that the draft finds otherwise. */
        IncidentChange: {
            draft: components["schemas"]["IncidentSpan"] | null;
            /** @description Where. */
            key: string;
            live: components["schemas"]["IncidentSpan"] | null;
            /** @description Of which rule. */
            rule: string;
        };
        /** @description An incident with all that explains it. */
        IncidentDetail: components["schemas"]["Incident"] & {
            acts: components["schemas"]["Act"][];
            charts: components["schemas"]["Chart"][];
            /** @description Sensors of the domain near it. */
            near: components["schemas"]["Near"][];
            /** @description The rule as it was written; null if it is not known here. */
            rule_text: string | null;
            /** @description As they stand on the bus. */
            transitions: Record<string, never>[];
        };
        /** @description Incidents, newest change first; after the last page come those that changed since the first. */
        IncidentPage: {
            items: components["schemas"]["Incident"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /** @description From when to when an incident is open. */
        IncidentSpan: {
            /**
             * Format: int64
             * @description Event time; the end of the readings where it did not clear.
             */
            ended: number;
            /**
             * Format: int64
             * @description Event time.
             */
            opened: number;
            /** @description The highest that it reached: minor, moderate, severe, extreme */
            severity: string;
        };
        /** @description The rules in force now. */
        InForce: {
            /** @description False if they were in force already. */
            changed: boolean;
            /**
             * Format: int64
             * @description The version's number.
             */
            version: number;
        };
        /** @description From where to where a true value lies, in 95 of 100 cases. */
        Interval: {
            /**
             * Format: double
             * @description Its upper end; null in JSON where it has no bound.
             */
            high: number | null;
            /**
             * Format: double
             * @description Its lower end.
             */
            low: number;
        };
        /** @description An interview. */
        Interview: components["schemas"]["DossierHead"] & {
            about: components["schemas"]["About"];
            decision: components["schemas"]["InterviewDecision"] | null;
            /**
             * Format: int64
             * @description When it is to be followed up; null where it is not.
             */
            follow_up_at: number | null;
            /** Format: int64 */
            held_at: number | null;
            /** Format: int64 */
            planned_at: number;
            state: components["schemas"]["InterviewState"];
            unit: string;
        };
        /** @description What the unit says. */
        InterviewAnswer: {
            note: string;
        };
        /** @description What follows. */
        InterviewDecided: {
            decision: components["schemas"]["InterviewDecision"];
            /**
             * Format: int64
             * @description When it is looked at again; needed for `rectify`. Without it the interview is closed.
             */
            follow_up_at?: number | null;
            note: string;
        };
        /**
         * @description What was decided.
         * @enum {string}
         */
        InterviewDecision: "explained" | "rectify" | "criticise";
        /** @description An interview with its steps. */
        InterviewDetail: components["schemas"]["Interview"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Whether it was mended. */
        InterviewFollowUp: {
            /**
             * Format: int64
             * @description When it is looked at again, if it is not mended.
             */
            follow_up_at?: number | null;
            mended: boolean;
            note: string;
        };
        /** @description What was said. */
        InterviewMinutes: {
            /** Format: int64 */
            held_at: number;
            minutes: string;
            /** @description The offices that were there. */
            present?: string;
        };
        /** @description An interview in a list. */
        InterviewRow: components["schemas"]["Interview"] & {
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Interviews, newest first, 200 at most. */
        Interviews: {
            items: components["schemas"]["InterviewRow"][];
        };
        /**
         * @description How it stands.
         * @enum {string}
         */
        InterviewState: "called" | "held" | "decided" | "closed" | "withdrawn";
        /** @description What a notice is about. */
        Item: {
            id: string;
            is_over: boolean;
            /** @description incident, case */
            kind: string;
            place: components["schemas"]["BTreeMap"];
            severity: string;
            /** Format: int64 */
            since: number;
            title: components["schemas"]["BTreeMap"];
        };
        /**
         * @description What the key of an incident is.
         * @enum {string}
         */
        KeyKind: "sensor" | "cell" | "subdistrict" | "district" | "city" | "attribute" | "unknown";
        /** @description Something known near a place. */
        KnownMatter: {
            class: string;
            class_name: components["schemas"]["BTreeMap"];
            /** Format: double */
            distance_m: number;
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            /** @description The number of the case, to follow it. */
            number: string;
            /** Format: int64 */
            reported_at: number;
            /**
             * Format: double
             * @description How likely it is the same, from 0 to 1.
             */
            score: number;
            state: components["schemas"]["State"];
            state_text: components["schemas"]["BTreeMap"];
        };
        /** @description What is known near a place, the likeliest first. */
        KnownNear: {
            items: components["schemas"]["KnownMatter"][];
            /**
             * Format: double
             * @description Within so many metres it is looked for.
             */
            radius_m: number;
        };
        /** @description The indicators of one unit, area, level or class. */
        Kpis: {
            /**
             * Format: int64
             * @description How many were handled: the denominator of the mean.
             */
            handled: number;
            /** @description The shares; one that nothing fell into is left out. */
            rates: {
                [key: string]: components["schemas"]["Rate"];
            };
            /**
             * Format: int64
             * @description Σ of the working time until handled, in milliseconds.
             */
            worked_ms: number;
        };
        /**
         * @description The language of a notice.
         * @enum {string}
         */
        Language: "zh" | "en";
        /** @description A value, when it was measured, and its unit if the metric is known. */
        LastView: {
            /** Format: int64 */
            time: number;
            unit: string | null;
            /** Format: double */
            value: number;
        };
        /** @description How much one report speaks of what is known, and why: see `serve::merge`. */
        Likeness: {
            /**
             * Format: int64
             * @description How far apart in milliseconds.
             */
            apart_ms: number;
            /**
             * Format: double
             * @description How far apart in metres.
             */
            distance_m: number;
            /**
             * Format: double
             * @description From 0 to 1.
             */
            score: number;
        };
        /** @description What is allowed and hardly meant. */
        Linted: {
            /** @description By file and place. */
            findings: components["schemas"]["LintFinding"][];
            /** @description Whether the rules could be looked at: they are good to check. */
            good: boolean;
        };
        /** @description Something that is hardly meant. */
        LintFinding: {
            /** @description As `no-hysteresis`; a label `lint.CODE` with a reason silences it. */
            code: string;
            /**
             * Format: int64
             * @description In characters, from 1.
             */
            column: number;
            /** @description Path of the file. */
            file: string;
            /**
             * Format: int64
             * @description From 1.
             */
            line: number;
            /** @description How to mend it. */
            mend: string;
            /** @description The rule. */
            rule: string;
            /** @description What is there. */
            what: string;
            /** @description Why that is hardly meant. */
            why: string;
        };
        /** @description What supervision watches now. */
        LiveCases: {
            all: components["schemas"]["LiveCount"];
            /** @description Given back or handed on twice or more, the most often first; 100 at most. */
            bouncing: components["schemas"]["CaseRow"][];
            /** @description By district, without those that lie in none. */
            districts: {
                [key: string]: components["schemas"]["LiveCount"];
            };
            /** @description Whether all open cases were looked at: the newest 20,000 are. */
            is_whole: boolean;
            /** @description Late, the longest first; 100 at most. */
            late: components["schemas"]["CaseRow"][];
            /** @description By the level of the unit: city, district, subdistrict. */
            levels: {
                [key: string]: components["schemas"]["LiveCount"];
            };
            /** @description Registered and with nobody, the oldest first; 100 at most. */
            ownerless: components["schemas"]["CaseRow"][];
            /** @description About to be late, the next due first; 100 at most. */
            soon: components["schemas"]["CaseRow"][];
            unit_names: {
                [key: string]: {
                    [key: string]: string;
                };
            };
            /** @description By unit, without those that nobody has. */
            units: {
                [key: string]: components["schemas"]["LiveCount"];
            };
        };
        /** @description Open cases. */
        LiveCount: {
            /**
             * Format: int64
             * @description A clock is breached.
             */
            late: number;
            /** Format: int64 */
            open: number;
            /**
             * Format: int64
             * @description A clock used 80 % of its limit, and none all of it.
             */
            soon: number;
        };
        /** @description How many alarms there were. */
        Load: {
            /** Format: int64 */
            alarms: number;
            /**
             * Format: double
             * @description The part of the time in which there were more than anybody can see to.
             */
            flood_share: number;
            /**
             * Format: int64
             * @description The most in any ten minutes.
             */
            peak: number;
            /**
             * Format: double
             * @description In ten minutes, on average.
             */
            per_ten_minutes: number;
        };
        /** @description What was made or changed. */
        Made: {
            /** @description An account's name or a token's id. */
            id: string;
            /** @description The password or token, where it was made here; it is told this once and kept nowhere. */
            secret: string | null;
        };
        /** @description A visit that was made. */
        MadeVisit: {
            /** Format: int64 */
            at: number;
            by: string;
            found: components["schemas"]["FoundEvent"][];
            /** @description Which of the plan, from 0. */
            visit: number;
        };
        /** @description A window of maintenance. */
        Maintenance: {
            /** Format: int64 */
            at: number;
            by: string;
            district: string | null;
            end_reason: string | null;
            /** @description Who ended it, `citywatch` where its end came; null before that. */
            ended_by: string | null;
            /** Format: int64 */
            from: number;
            id: string;
            kind: components["schemas"]["TargetKind"];
            reason: string;
            subdistrict: string | null;
            /** @description A sensor's id, an area's code or a rule's id. */
            target: string;
            /**
             * Format: int64
             * @description Its end, also where somebody ended it before.
             */
            until: number;
        };
        /** @description Windows that are not over, in the order of their begin; or those that are, which ended last first. */
        MaintenanceList: {
            items: components["schemas"]["Maintenance"][];
        };
        /** @description Something to read before the vote. */
        Material: {
            note?: string;
            title: string;
        };
        /** @description A metric that is measured. */
        Measured: {
            metric: string;
            /**
             * Format: int64
             * @description Sensors with a value of it.
             */
            sensors: number;
            /** @description Null if the metric is not known. */
            unit: string | null;
        };
        /** @description What is measured. */
        MeasuredList: {
            /** @description In the order of their names. */
            items: components["schemas"]["Measured"][];
        };
        /** @description A mediation. */
        Mediation: components["schemas"]["DossierHead"] & {
            /** @description What the dispute is about. */
            matter: string;
            mediator: string;
            of: components["schemas"]["OfCase"];
            /** @description What each party is, from party 1. */
            parties: components["schemas"]["Party"][];
            referral: components["schemas"]["MediationReferral"] | null;
            /**
             * Format: int32
             * @description Sessions so far.
             */
            sessions: number;
            state: components["schemas"]["MediationState"];
        };
        /** @description A mediation with its steps. */
        MediationDetail: components["schemas"]["Mediation"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            /** @description The parties that are known, masked. */
            people: components["schemas"]["PersonView"][];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
        };
        /**
         * @description Where a dispute is sent that was not settled.
         * @enum {string}
         */
        MediationReferral: "notary" | "arbitration" | "court";
        /** @description Mediations, newest first, 200 at most. */
        Mediations: {
            items: components["schemas"]["Mediation"][];
        };
        /** @description A session. */
        MediationSession: {
            /** Format: int64 */
            held_at: number;
            minutes: string;
            /** @description The parties that were there, by number from 1. */
            parties?: number[];
        };
        /**
         * @description How it stands.
         * @enum {string}
         */
        MediationState: "open" | "agreed" | "performed" | "referred" | "withdrawn";
        /** @description A metric that expressions may name. */
        MetricWord: {
            /** @description Whose sensors measure it. */
            domain: string;
            /** @description As expressions write it. */
            name: string;
            /** @description UCUM. */
            unit: string;
        };
        /** @description What nobody reported, in all cells. */
        MissedEstimate: {
            /**
             * Format: double
             * @description Missed events in all cells.
             */
            missed: number;
            /** @description Its interval. */
            missed_interval: components["schemas"]["Interval"];
            /**
             * Format: double
             * @description The rate of what is missed in the cells that were visited: missed of those found; nothing if nothing was found.
             */
            share: number | null;
            share_interval: components["schemas"]["Interval"] | null;
        };
        /** @description A month's check of an area. */
        MonthCheck: components["schemas"]["DossierHead"] & {
            area: string | null;
            district: string | null;
            made: components["schemas"]["MadeVisit"][];
            month: string;
            seed: string;
            state: components["schemas"]["MonthCheckState"];
            strata: components["schemas"]["CheckedPart"][];
            subdistrict: string | null;
            visits: components["schemas"]["PlannedVisit"][];
        };
        /** @description A check with its steps. */
        MonthCheckDetail: components["schemas"]["MonthCheck"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            checks: components["schemas"]["MonthChecks"] | null;
            /** @description When its month begins and ends: visits are made in it. */
            period: components["schemas"]["Period"];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
        };
        /** @description Checks, newest first, 200 at most. */
        MonthCheckList: {
            items: components["schemas"]["MonthCheck"][];
            /** @description The month of the log's clock, as in 2026-07; null where it stands at none. */
            month: string | null;
        };
        /** @description A month's checks. */
        MonthChecks: {
            /** @description All classes together. */
            all: components["schemas"]["CheckedVisits"];
            /** @description By class. */
            classes: {
                [key: string]: components["schemas"]["CheckedVisits"];
            };
        };
        /**
         * @description How it stands.
         * @enum {string}
         */
        MonthCheckState: "planned" | "done";
        /** @description A month, as the formula judges it. */
        MonthReport: {
            checks: components["schemas"]["MonthChecks"] | null;
            /** @description Upheld objections that change the month, and whether the formula counts them. */
            corrections: components["schemas"]["Correction"][];
            /** @description Findings of selective enforcement, for people to look into. */
            enforcement: components["schemas"]["Enforcement"];
            /** @description Cases that went badly, the worst first. */
            exposed: components["schemas"]["Exposed"][];
            /** @description The formula and its version. */
            formula: string;
            /** @description The rankings, by group of peers. */
            groups: components["schemas"]["PeerGroup"][];
            /**
             * @description The indicators, by what they are taken for (unit, district, level, class) and its code. Shares that nothing fell
             *     into are left out: they have no value.
             */
            kpis: {
                [key: string]: {
                    [key: string]: components["schemas"]["Kpis"];
                };
            };
            /** @description As in 2026-07. */
            month: string;
            period: components["schemas"]["Period"];
            /** @description The names of the units that are told of, by code. */
            unit_names: {
                [key: string]: components["schemas"]["BTreeMap"];
            };
        };
        /** @description A sensor and how far it is. */
        Near: {
            /** Format: double */
            distance_m: number;
            id: string;
        };
        /** @description A new account. */
        NewAccount: {
            /** @description Codes of districts and subdistricts; none for the whole city. */
            areas?: string[];
            /** @description 1 to 64 of a-z, 0-9, `.`, `_` and `-`. */
            name: string;
            /** @description 10 to 256 characters; made and told once where it is left out. */
            password?: string | null;
            /** @description At least one. */
            roles: components["schemas"]["Role"][];
            /** @description The unit whose cases a `unit` handles. */
            unit?: string | null;
        };
        /** @description What a citizen reports. */
        NewAppeal: {
            /** @description Code of a subdistrict or a district, where there is no point. */
            area?: string | null;
            channel?: components["schemas"]["Channel"] | null;
            /** @description A class's code, of `GET /api/v1/appeals/classes`. */
            class: string;
            /** @description Whether somebody is in danger. */
            danger?: boolean;
            /** @description What lon and lat are in: wgs84, gcj02, bd09; wgs84 if it is left out. Converted. */
            datum?: string | null;
            /** @description The number of a case that is known: it is followed, and no other is made. */
            follows?: string | null;
            /** @description 32 to 64 letters, digits and dashes, 128 random bits or more: the same key again is the same appeal. */
            key?: string | null;
            /** Format: double */
            lat?: number | null;
            /**
             * Format: double
             * @description WGS-84.
             */
            lon?: number | null;
            /** @description At most 64 and 24 characters; kept apart, shown masked, forgotten after 180 days. */
            name?: string | null;
            phone?: string | null;
            /**
             * @description Only of an operator or with a token of the scope `appeals:write`, as the next two: the number of the caller's
             *     own list, 1 to 64 characters. The same again is the same appeal, also where it came in the hotline's list.
             */
            reference?: string | null;
            /** @description 1 to 2,000 characters. Mobile telephone numbers in it are hidden. */
            text: string;
        };
        /** @description What somebody of the staff reports. */
        NewCase: {
            /** @description Code of the subdistrict; of the district where only that is known. */
            area: string;
            /** @description A class's code. */
            class: string;
            description?: string;
            /** Format: double */
            lat?: number | null;
            /**
             * Format: double
             * @description WGS-84, where it is known.
             */
            lon?: number | null;
            /** @description minor, moderate, severe, extreme */
            severity: string;
            /** @description 1 to 2,000 characters. */
            title: string;
        };
        /** @description A new contact. */
        NewContact: {
            /** @description A mail address, or where to POST. */
            address: string;
            kind: components["schemas"]["ContactKind"];
            language?: components["schemas"]["Language"];
            /** @description What a robot of DingTalk is signed by; a webhook's is made here. */
            secret?: string | null;
            /** @description An account's name, or a name for a group that chains and rosters have. */
            who: string;
        };
        /** @description Puts a case to a panel. */
        NewDeliberation: {
            agenda?: string[];
            /** @description Id or number. */
            case: string;
            cause: components["schemas"]["DeliberationCause"];
            /** @description 3 to 49, of two kinds at least. */
            members: components["schemas"]["PanelMember"][];
            /** @description What is asked. */
            question: string;
        };
        /** @description An event of the visit's class that was found. */
        NewFoundEvent: {
            /** @description Id or number of the case that knows it; without one nobody had reported it. */
            case?: string | null;
            /** Format: double */
            lat: number;
            /** Format: double */
            lon: number;
            what?: string;
        };
        /** @description A note for who comes next. */
        NewHandover: {
            /** @description 1 to 2,000 characters. */
            note: string;
        };
        /** @description Calls a unit to an interview. */
        NewInterview: {
            about: components["schemas"]["AskedAbout"];
            /**
             * Format: int64
             * @description When it is to be.
             */
            planned_at: number;
            reason: string;
            /** @description A unit's code. */
            unit: string;
        };
        /** @description Takes a dispute up. */
        NewMediation: {
            /** @description Id or number. */
            case: string;
            /** @description What the dispute is about. */
            matter: string;
            /** @description The office that mediates. */
            mediator: string;
            /** @description 2 to 20. */
            parties: components["schemas"]["Disputant"][];
        };
        /** @description Draws a plan. */
        NewMonthCheck: {
            /** @description The code of a district or subdistrict; the whole city without it. */
            area?: string | null;
            /** @description What is looked for. */
            classes: string[];
            /** @description As in 2026-07. */
            month: string;
            reason: string;
            /** @description What the lot is drawn with; the month without it. */
            seed?: string | null;
            /** @description About so many, at least one of each class in each subdistrict, 150 at most. */
            visits: number;
        };
        /** @description Objects to something. */
        NewObjection: {
            against: components["schemas"]["AskedAbout"];
            /**
             * Format: int64
             * @description Against a deduction of a case: `at_version` of `GET /api/v1/cases/{id}/deductions`.
             */
            at_version?: number | null;
            reason: string;
        };
        /** @description Who stands in. */
        NewOverride: {
            /** Format: int64 */
            from: number;
            /** @description Who is not on duty meanwhile. */
            instead_of?: string | null;
            /** @description 1 to 2,000 characters. */
            reason: string;
            /**
             * Format: int64
             * @description Later than `from`, by 62 days at most.
             */
            to: number;
            who: string;
        };
        /** @description The old password and the new one. */
        NewPassword: {
            /** @description 10 to 256 characters. */
            new: string;
            old: string;
        };
        /** @description Tells everybody something. */
        NewPublicNotice: components["schemas"]["PublicNoticeWords"] & {
            /** @description The code of a district or subdistrict; the whole city without it. */
            area?: string | null;
            /** @description The id or number of a case that it is about. */
            case?: string | null;
            /**
             * Format: int64
             * @description From now without it.
             */
            from?: number | null;
            /** @description The id of an incident that it is about. */
            incident?: string | null;
            /**
             * Format: int64
             * @description 92 days later at most.
             */
            until: number;
        };
        /** @description A new subscription. */
        NewSubscription: {
            /** @description Codes of districts and subdistricts; none for all that may be seen. */
            areas?: string[];
            /** @description Classes of cases; none for all incidents. */
            classes?: string[];
            /** @description drainage, waste, traffic, air, cross; none for all. */
            domains?: string[];
            form?: components["schemas"]["Form"];
            /** @description 1 to 64 characters. */
            name: string;
            /** @description The least: minor, moderate, severe, extreme. */
            severity?: string;
            /** @description Where messages are sent by POST: https, on the public internet, unless the configuration allows more. */
            url: string;
        };
        /** @description A new token. */
        NewToken: {
            /** @description Codes of districts and subdistricts; none for the whole city. */
            areas?: string[];
            /**
             * Format: int32
             * @description Days until it ends, 1 to 3650; never where it is left out.
             */
            days?: number | null;
            /** @description 1 to 64 of a-z, 0-9, `.`, `_` and `-`. */
            name: string;
            /** @description At least one. */
            scopes: components["schemas"]["Scope"][];
            /** @description The unit whose cases it handles. */
            unit?: string | null;
        };
        /** @description What a visit found. */
        NewVisit: {
            /** @description Nothing where there was nothing. */
            found?: components["schemas"]["NewFoundEvent"][];
            note?: string;
            /** @description Which of the plan, from 0. */
            visit: number;
        };
        /** @description What reaches its limit soon, the first first. */
        NextFull: {
            items: components["schemas"]["NextFullView"][];
            /**
             * Format: int64
             * @description Further ones, that were not.
             */
            left_out: number;
            /**
             * Format: int64
             * @description Sensors in service that were looked at: those that are nearest to their limit, 500 at most.
             */
            looked_at: number;
            /**
             * Format: int64
             * @description Sensors in service that are at their limit by now, and are not in the list.
             */
            there: number;
            /**
             * Format: int64
             * @description Sensors in service whose value nobody knows.
             */
            unknown: number;
            /**
             * Format: int64
             * @description Until when; null while the log's clock is not known: nothing is foretold then.
             */
            until: number | null;
        };
        /** @description A sensor, and when it reaches its limit. */
        NextFullView: {
            forecast: components["schemas"]["Forecast"];
            /** Format: double */
            last: number;
            /** Format: int64 */
            last_at: number;
            /** Format: double */
            lat: number | null;
            limit: components["schemas"]["ForecastLimit"];
            /** Format: double */
            lon: number | null;
            metric: string;
            place_name: components["schemas"]["BTreeMap"];
            sensor: string;
            /**
             * Format: double
             * @description The limit, and the newest value.
             */
            value: number;
        };
        /** @description A note; may be empty. */
        NoteBody: {
            /** @description At most 2,000 characters. */
            note?: string;
        };
        /** @description A notice. */
        Notice: {
            /**
             * Format: int64
             * @description By the log's clock.
             */
            at: number;
            /** @description The chain's name; empty of a notice that no chain sends. */
            chain: string;
            /** @description Nobody that the chain names was on duty, so all operators are told. */
            is_for_all: boolean;
            /** @description The digest of a storm. */
            is_storm: boolean;
            /** @description At most 20, what is open and worst first. */
            items: components["schemas"]["Item"][];
            /** @description How many are open, and how many are over since the last notice. */
            open: number;
            over: number;
            reason: components["schemas"]["Reason"] | null;
            /** @description The worst of what is open, else of what is over. */
            severity: string;
            /** @description Steps of the chain that were told so far. */
            step: number;
        };
        /** @description The notices to who asks, the newest first, at most 100. */
        NoticeList: {
            items: components["schemas"]["NoticeRow"][];
            /** @description Of these. */
            unread: number;
        };
        /** @description A notice to who asks. */
        NoticeRow: components["schemas"]["Notice"] & {
            id: string;
            /**
             * Format: int64
             * @description When it was read, wall time; null if it was not.
             */
            read_at: number | null;
            /** Format: int64 */
            seq: number;
        };
        /** @description An objection. */
        Objection: components["schemas"]["DossierHead"] & {
            against: components["schemas"]["Contested"];
            /**
             * Format: int64
             * @description When it was counted.
             */
            counted_at: number;
            /** Format: int64 */
            reviewed_at: number | null;
            /** @description Who reviewed it, in order. */
            reviewers: string[];
            state: components["schemas"]["ObjectionState"];
            unit: string;
            /**
             * Format: int64
             * @description Until when it could be filed.
             */
            until: number;
        };
        /** @description An objection with its steps. */
        ObjectionDetail: components["schemas"]["Objection"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description An objection in a list. */
        ObjectionRow: components["schemas"]["Objection"] & {
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Objections, newest first, 200 at most. */
        Objections: {
            items: components["schemas"]["ObjectionRow"][];
        };
        /**
         * @description How it stands.
         * @enum {string}
         */
        ObjectionState: "accepted" | "late" | "upheld" | "refused" | "asked_again" | "refused_again" | "withdrawn";
        /** @description The case that something is about, and where it lies. */
        OfCase: {
            case: string;
            case_number: string;
            class: string;
            district: string | null;
            subdistrict: string | null;
        };
        /** @description The class of the case, where the incident's rule has none or another is meant. */
        OfIncident: {
            class?: string | null;
        };
        /** @description A server that is asked. Times are of the wall, in epoch milliseconds. */
        Open311Server: {
            /** @description Why it failed. */
            error: string | null;
            /**
             * Format: int64
             * @description When it last failed; null if it has answered well since.
             */
            failed_at: number | null;
            /**
             * Format: int64
             * @description When it last answered well; null if it never did.
             */
            pulled_at: number | null;
            /**
             * Format: int64
             * @description Requests that could not be taken since the start; one that is met again counts again.
             */
            refused: number;
            /**
             * Format: int64
             * @description Requests taken in since the start.
             */
            taken: number;
            url: string;
        };
        /** @description All of them. */
        Open311Servers: {
            items: components["schemas"]["Open311Server"][];
        };
        /** @description Open incidents. */
        OpenCounts: {
            by_domain: {
                [key: string]: number;
            };
            by_severity: {
                [key: string]: number;
            };
            /** Format: int64 */
            total: number;
        };
        /** @description The alarms that one person acknowledged. */
        OperatorHealth: {
            by: string | null;
            load: components["schemas"]["Load"];
            /**
             * Format: int64
             * @description The middle of the times from sounding to being acknowledged; null for those that nobody did.
             */
            to_acknowledge_ms: number | null;
        };
        /** @description What a seat says. */
        Opinion: {
            note: string;
            /** @description From 1. */
            seat: number;
        };
        /** @description A class of what is not the city's to do. */
        OutsideClass: components["schemas"]["OutsideCounts"] & {
            class: string;
            class_name: components["schemas"]["BTreeMap"];
        };
        /** @description How often something happened to what is not the city's to do. */
        OutsideCounts: {
            /**
             * Format: int64
             * @description The reporter asked for a second look.
             */
            asked_again: number;
            /**
             * Format: int64
             * @description An operator put it outside the city's duty.
             */
            put: number;
            /**
             * Format: int64
             * @description A second person sent it back.
             */
            sent_back: number;
            /**
             * Format: int64
             * @description A second person said so too.
             */
            upheld: number;
        };
        /** @description What of a month was not the city's to do, within the areas of who asks. */
        OutsideMonth: components["schemas"]["OutsideCounts"] & {
            /** @description By class. */
            items: components["schemas"]["OutsideClass"][];
            month: string;
            /** @description As the formula bounds the month. */
            period: components["schemas"]["Period"];
        };
        /** @description Somebody is on duty for a time beside the shifts, or in somebody's stead. */
        Override: {
            by: string;
            /** Format: int64 */
            from: number;
            id: string;
            /** @description Who is not on duty meanwhile. */
            instead_of: string | null;
            reason: string;
            /** Format: int64 */
            to: number;
            who: string;
        };
        /** @description The city in a few numbers. */
        Overview: {
            feed: components["schemas"]["FeedView"] | null;
            /**
             * Format: int64
             * @description The newest tick of the log; null before the first.
             */
            now_at: number | null;
            open: components["schemas"]["OpenCounts"];
            sensors: components["schemas"]["SensorCounts"];
            /**
             * Format: int64
             * @description Open incidents that nobody acknowledged.
             */
            unacknowledged: number;
            /**
             * Format: int64
             * @description Sensors that speak and are not registered.
             */
            unknown_sensors: number;
        };
        /** @description Somebody of the panel. Who it is stays in the store. */
        PanelMember: {
            name?: string;
            phone?: string;
            seat: components["schemas"]["Seat"];
        };
        /**
         * @description What a party is in a dispute.
         * @enum {string}
         */
        Party: "claimant" | "respondent" | "third";
        /** @description A group of peers. */
        PeerGroup: {
            /** @description Whether more than half of the ranked ones sit at the ceiling, so that the ranking says little. */
            at_ceiling: boolean;
            /** @description Its name. */
            name: string;
            /** @description Its units: ranked ones by score, the others after them by code. */
            units: components["schemas"]["Ranked"][];
        };
        /** @description Those who take part and said who they are. */
        People: {
            items: components["schemas"]["PersonView"][];
        };
        /** @description A stretch of time, from and until. */
        Period: {
            /**
             * Format: int64
             * @description The first instant in it.
             */
            from: number;
            /**
             * Format: int64
             * @description The first instant after it.
             */
            until: number;
        };
        /** @description Somebody who takes part, masked; in clear where that was asked for. */
        PersonView: {
            name: string;
            phone: string;
            /**
             * Format: int64
             * @description The number of the seat or party, from 1.
             */
            place: number;
        };
        /** @description A WGS-84 point. */
        Place: {
            /** Format: double */
            lat: number;
            /** Format: double */
            lon: number;
        };
        /** @description One visit: look for this class in this cell. */
        PlannedVisit: {
            /** @description The area's code. */
            area: string;
            /** @description The cell's code. */
            cell: string;
            /** @description The class to look for. */
            class: string;
        };
        /** @description What is wrong with a request, or with us. */
        Problem: {
            /** @description What is wrong and what to do. */
            detail: string;
            /** Format: int32 */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`: the status says the kind. */
            type: string;
        };
        /** @description A unit that the duty list proposes. */
        Proposal: {
            /** @description city, district, subdistrict */
            level: string;
            unit: string;
            unit_name: components["schemas"]["BTreeMap"];
        };
        /** @description Nothing more to say. */
        Publication: Record<string, never>;
        /** @description A public notice. */
        PublicNotice: components["schemas"]["DossierHead"] & components["schemas"]["PublicNoticeWords"] & {
            about: components["schemas"]["PublicNoticeAbout"] | null;
            area: components["schemas"]["PublicNoticeWhere"];
            /** Format: int64 */
            from: number;
            state: components["schemas"]["PublicNoticeState"];
            /**
             * Format: int64
             * @description Over from then on.
             */
            until: number;
        };
        /** @description What a notice is about. */
        PublicNoticeAbout: {
            incident: string;
            /** @enum {string} */
            kind: "incident";
        } | {
            case: string;
            case_number: string;
            /** @enum {string} */
            kind: "case";
        };
        /** @description A public notice with its steps. */
        PublicNoticeDetail: components["schemas"]["PublicNotice"] & {
            /** @description What who asks may do now: the last parts of the routes. */
            acts: string[];
            /** @description As they stand on the bus. */
            steps: Record<string, never>[];
        };
        /** @description Public notices, newest first, 200 at most. */
        PublicNotices: {
            items: components["schemas"]["PublicNotice"][];
        };
        /**
         * @description How it stands. That its time is over is no state: everybody sees that from `until`.
         * @enum {string}
         */
        PublicNoticeState: "published" | "withdrawn";
        /** @description Where a notice holds; the whole city where there is neither. */
        PublicNoticeWhere: {
            /** @description Codes. */
            district: string | null;
            subdistrict: string | null;
        };
        /** @description What a notice says, in Chinese, and in English where somebody wrote that too. */
        PublicNoticeWords: {
            text: string;
            text_en?: string;
            /** @description 1 to 80 characters. */
            title: string;
            /** @description Empty where it is in Chinese alone. */
            title_en?: string;
        };
        /** @description Publishes a month. */
        Publish: {
            /** @description As in 2026-07. */
            month: string;
        };
        /** @description What everybody may read of a deliberation. */
        PublishedDeliberation: {
            agenda: string[];
            case_number: string;
            cause: components["schemas"]["DeliberationCause"];
            class: string;
            conclusion: string;
            district: string | null;
            number: string;
            options: string[];
            /** Format: int64 */
            published_at: number;
            question: string;
            seats: components["schemas"]["Seat"][];
            /** @description The votes of each option. */
            tally: number[];
        };
        /** @description Published deliberations, newest first, 200 at most. */
        PublishedDeliberations: {
            items: components["schemas"]["PublishedDeliberation"][];
        };
        /** @description A published month. */
        PublishedScore: components["schemas"]["DossierHead"] & components["schemas"]["Figures"];
        /** @description Puts it outside the city's duty. Reason and place are told to who reported it, when a second person says so too. */
        PutOutsideBody: {
            /** @description 1 to 2,000 characters. */
            reason: string;
            /** @description Where to go with it: who does have it to do. 1 to 2,000 characters. */
            where_to: string;
        };
        /** @description Hours in which only what is extreme is told at once; the rest waits for their end. */
        Quiet: {
            /** @description As in 22:00, in the city's time zone. */
            from: string;
            /** @description As in 07:00; of the next day if it is not later than `from`. */
            to: string;
        };
        /** @description Raises a finding of a month. */
        Raise: {
            finding: components["schemas"]["FindingKind"];
            /** @description As in 2026-07. */
            month: string;
            unit: string;
        };
        /** @description A finding that was raised. */
        Raised: components["schemas"]["ByFormula"] & {
            /** Format: double */
            difference: number;
            /** @description The cases, or incidents, to look at. */
            evidence: string[];
            /**
             * Format: double
             * @description What its peers would have had of the same mix of work, as a share.
             */
            expected: number;
            finding: components["schemas"]["FindingKind"];
            /** @description The peers that it was compared with. */
            group: string;
            /**
             * Format: double
             * @description Null where it has no bound.
             */
            odds_ratio: number | null;
            /**
             * Format: double
             * @description The chance of so much or more without a cause, and the same corrected for all tests of the month.
             */
            p: number;
            /** Format: double */
            q: number;
            /** @description What counts against it, of what it had. */
            share: components["schemas"]["Rate"];
            unit: string;
        };
        /** @description A raised finding. */
        RaisedFinding: components["schemas"]["DossierHead"] & components["schemas"]["Raised"];
        /** @description A unit in the ranking of its group. */
        Ranked: components["schemas"]["Score"] & {
            /**
             * Format: int64
             * @description Its place: one more than the units that surely stand before it. Units whose intervals overlap with all before
             *     them share it. Nothing without a score or with too few cases.
             */
            rank: number | null;
            /**
             * Format: int64
             * @description The place that it may have at worst.
             */
            rank_worst: number | null;
        };
        /** @description A share: how many of how many. */
        Rate: {
            /**
             * Format: double
             * @description Those that count; a part of one for those who are mostly satisfied.
             */
            hits: number;
            /**
             * Format: int64
             * @description All of them.
             */
            of: number;
        };
        /** @description How it went. */
        Rating: {
            /** @description Whether the unit was in touch. */
            contacted: boolean;
            /** @description At most 2,000 characters. */
            note?: string;
            /** @description yes, mostly, no */
            satisfied: components["schemas"]["Satisfied"];
            solved: boolean;
        };
        /**
         * @description Why there is a notice.
         * @enum {string}
         */
        Reason: "began" | "escalated" | "changed" | "repeated" | "over" | "warned" | "late" | "whistled" | "report_in" | "unreported";
        /** @description A reason; must be given. */
        ReasonBody: {
            /** @description 1 to 2,000 characters. */
            reason: string;
        };
        /** @description What was taken in, with what its reporter keeps. */
        ReceivedAppeal: {
            appeal: components["schemas"]["Appeal"];
            /** @description With the number it shows every step; it is told this once. Empty where a reference was taken in before. */
            secret: string;
        };
        /** @description What EEMUA 191 and ISA-18.2 recommend for one operator. */
        Recommended: {
            /**
             * Format: int64
             * @description None.
             */
            chattering: number;
            /**
             * Format: double
             * @description At most.
             */
            flood_share: number;
            /**
             * Format: int64
             * @description At most, in any ten minutes.
             */
            peak: number;
            /**
             * Format: double
             * @description At most, on average.
             */
            per_ten_minutes: number;
            /** @description The parts of low, middle and high priority. */
            severities: number[];
            /**
             * Format: int64
             * @description At most.
             */
            standing: number;
            /**
             * Format: double
             * @description At most.
             */
            top_ten_share: number;
        };
        /** @description Where it goes. */
        ReferTo: {
            reason: string;
            to: components["schemas"]["MediationReferral"];
        };
        /** @description A line of a list that could not be taken. */
        RefusedLine: {
            by: string;
            /**
             * Format: int64
             * @description Its place in the list; the head is 1.
             */
            line: number;
            reason: string;
            /** Format: int64 */
            refused_at: number;
            /** @description Whole. */
            text: string;
        };
        /** @description A line that was not. */
        RefusedLineReason: {
            /**
             * Format: int64
             * @description Its place in the list; the head is 1.
             */
            line: number;
            /** @description Why. */
            reason: string;
        };
        /** @description Lines that could not be taken. */
        RefusedLines: {
            /** @description Newest first, 500 at most; kept for 180 days. */
            items: components["schemas"]["RefusedLine"][];
        };
        /** @description Registers, as this class if it is another. */
        RegisterBody: {
            class?: string | null;
            note?: string;
        };
        /** @description Why it is opened again. */
        ReopenBody: {
            /** @description 1 to 2,000 characters. */
            reason: string;
        };
        /** @description A place with several incidents. */
        Repeat: {
            /**
             * Format: int64
             * @description On so many days of the city.
             */
            days: number;
            /** Format: int64 */
            first_at: number;
            /** Format: int64 */
            incidents: number;
            /** @description The sensor or area. */
            key: string;
            /** Format: int64 */
            last_at: number;
            /**
             * Format: int64
             * @description All of them together, up to the end of the stretch.
             */
            open_ms: number;
            /** @description The rules that found them, by id. */
            rules: string[];
        };
        /** @description Places where incidents come again and again. */
        Repeats: {
            /** Format: int64 */
            from: number;
            /** @description The worst first. */
            items: components["schemas"]["RepeatView"][];
            /**
             * Format: int64
             * @description How many more there were.
             */
            left_out: number;
            /** Format: int64 */
            to: number;
        };
        /** @description One of them. */
        RepeatView: components["schemas"]["Repeat"] & {
            /** @description Whether the key is a sensor's id. */
            is_sensor: boolean;
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            place_name: components["schemas"]["BTreeMap"];
        };
        /** @description What a review found. */
        Review: {
            reason: string;
            upheld: boolean;
        };
        /** @description Whether it is outside the city's duty indeed. */
        ReviewOutsideBody: {
            /** @description Must be given where it is sent back. */
            note?: string;
            /** @description false: it is sent back, and goes on as before. */
            upheld: boolean;
        };
        /** @description A road, or what of it lies in the area that was asked for. */
        Road: {
            /**
             * Format: int32
             * @description Detectors whose free-flow speed is known, and those of them that were heard in the last quarter of an hour.
             */
            detectors: number;
            flow: components["schemas"]["RoadFlow"] | null;
            /** Format: int32 */
            heard: number;
            /** @description The attribute `road` of its detectors. */
            name: string;
            /** @description The attribute `road_class` of its detectors; null if it is not registered. */
            road_class: string | null;
            /** @description Codes of the subdistricts that its detectors stand in. */
            subdistricts: string[];
        };
        /** @description How a road flows: each detector that was heard stands for an equal piece of it. */
        RoadFlow: {
            /**
             * Format: double
             * @description The delay-time proportion of GB/T 33171-2016, 1 − T_free / T and at least 0.
             */
            delay_ratio: number;
            /** Format: double */
            free_flow_kmh: number;
            /**
             * Format: int64
             * @description Time of the newest speed.
             */
            heard_at: number;
            /**
             * Format: double
             * @description Along all pieces.
             */
            speed_kmh: number;
            /** Format: int32 */
            traffic_class: number;
            /**
             * Format: double
             * @description The traffic index of it, 0 to 10, and its class, 1 (free flow) to 5 (heavily congested).
             */
            traffic_index: number;
        };
        /** @description Roads, where most time is lost first; at the end those of which nothing is known. */
        RoadList: {
            /** @description How many of them are of class 1 (free flow) to 5 (heavily congested). */
            classes: number[];
            items: components["schemas"]["Road"][];
            /**
             * Format: int64
             * @description The newest tick of the log; null before the first.
             */
            now_at: number | null;
            /** @description Roads that fit, told or not. */
            total: number;
            /** @description How many of them were not heard in the last quarter of an hour. */
            unknown: number;
        };
        /**
         * @description What somebody may be. Who is several things at once is still kept to one side of each case.
         * @enum {string}
         */
        Role: "operator" | "dispatcher" | "unit" | "inspector" | "supervisor" | "rule-engineer" | "administrator" | "public";
        /** @description Why an earlier version is to be in force again. */
        RollBack: {
            /** @description 1 to 2000 characters. */
            reason: string;
        };
        /** @description A roster. */
        Roster: {
            /** @description The district or subdistrict that they answer for. */
            area?: string | null;
            /** @description 1 to 64 characters. */
            name: string;
            /** @description What they do, in a word or two. */
            role?: string | null;
            shifts: components["schemas"]["Shift"][];
            /** @description The unit whose people they are. */
            unit?: string | null;
        };
        /** @description A roster over some days. */
        RosterDetail: {
            /** @description The newest first, at most 50. */
            handovers: components["schemas"]["Handover"][];
            id: string;
            overrides: components["schemas"]["Override"][];
            roster: components["schemas"]["Roster"];
            /** @description Who is on duty, without gaps; nobody where `who` is empty. */
            spans: components["schemas"]["Span"][];
            /** Format: int64 */
            version: number;
        };
        /** @description The rosters by name. */
        RosterList: {
            items: components["schemas"]["RosterRow"][];
        };
        /** @description A roster in the list. */
        RosterRow: components["schemas"]["Roster"] & {
            id: string;
            /** @description Who is on duty now, by the log's clock. */
            on_duty: string[];
            /** Format: int64 */
            version: number;
        };
        /** @description What changes of one rule. */
        RuleBacktest: {
            /**
             * Format: int64
             * @description Incidents that only the draft finds.
             */
            added: number;
            draft: components["schemas"]["RuleLoad"] | null;
            /**
             * Format: int64
             * @description Incidents that only the rules in force find.
             */
            gone: number;
            live: components["schemas"]["RuleLoad"] | null;
            /**
             * Format: int64
             * @description Incidents of both at one key that overlap and are not the same.
             */
            moved: number;
            /** @description Its id. */
            rule: string;
            /**
             * Format: int64
             * @description Incidents that are the same in both.
             */
            same: number;
        };
        /** @description Something that is wrong with a file. */
        RuleDiagnostic: {
            /**
             * Format: int64
             * @description In characters, from 1.
             */
            column: number;
            /** @description Path of the file. */
            file: string;
            /** @description How to mend it. */
            hint: string | null;
            /**
             * Format: int64
             * @description How many characters are meant, 1 at least.
             */
            length: number;
            /** @description How bad it is. */
            level: components["schemas"]["DiagnosticLevel"];
            /**
             * Format: int64
             * @description From 1.
             */
            line: number;
            /** @description What is wrong. */
            message: string;
        };
        /** @description One file of a rule set. */
        RuleFile: {
            /** @description Its path; one that ends in `.test.yaml` has tests. */
            path: string;
            /** @description YAML. */
            text: string;
        };
        /** @description The alarms of one rule. */
        RuleHealth: {
            /** Format: int64 */
            acknowledged: number;
            /**
             * Format: int64
             * @description Of its alarms, so many chatter.
             */
            chattering: number;
            /**
             * Format: int64
             * @description Times that one sounded again within an hour of its end.
             */
            flapping: number;
            load: components["schemas"]["Load"];
            rule: string;
            /**
             * Format: double
             * @description Which part of all alarms.
             */
            share: number;
            /**
             * Format: int64
             * @description Of its alarms, so many stand.
             */
            standing: number;
        };
        /** @description The words that rules may use. */
        RuleLanguage: {
            /** @description By name. */
            attributes: components["schemas"]["AttributeWord"][];
            /** @description Names of calendars. */
            calendars: string[];
            /** @description As docs/rule-language.md has them. */
            functions: components["schemas"]["FunctionWord"][];
            /** @description By name. */
            metrics: components["schemas"]["MetricWord"][];
            /** @description The JSON Schema of rule files: their keys, and what some of them take. */
            schema: Record<string, never>;
        };
        /** @description The work that a rule makes. */
        RuleLoad: {
            /**
             * Format: double
             * @description Times that an operator is told, a day.
             */
            alarms_per_day: number;
            /**
             * Format: int64
             * @description Incidents that opened within an hour of the end of the one before at the same key.
             */
            flapping: number;
            /**
             * Format: int64
             * @description Incidents that opened.
             */
            incidents: number;
            /**
             * Format: double
             * @description Seconds open, all incidents together.
             */
            open_s: number;
            /** @description Incidents that opened in each step. */
            opened: number[];
            /**
             * Format: double
             * @description Incidents a day.
             */
            per_day: number;
        };
        /** @description The files of a version. */
        RuleSet: {
            /** @description By path, tests among them. */
            files: components["schemas"]["RuleFile"][];
            /**
             * Format: int64
             * @description Its number.
             */
            version: number;
        };
        /** @description What was found of the incidents of a rule. */
        RuleVerdict: {
            /**
             * Format: int64
             * @description That were a second time the same.
             */
            duplicates: number;
            /**
             * Format: int64
             * @description Of which somebody found that nothing was there.
             */
            not_found: number;
            /**
             * Format: double
             * @description The share of the real ones among those and the ones not found; null where there are none.
             */
            precision: number | null;
            precision_interval: components["schemas"]["Interval"] | null;
            /**
             * Format: int64
             * @description Cases of which somebody found that it was so.
             */
            real: number;
            rule: string;
            /**
             * Format: int64
             * @description That nobody looked at so far.
             */
            unknown: number;
        };
        /** @description A rule set that was put in force. */
        RuleVersion: {
            /** @description Ids of the rules that the version before did not have. */
            added: string[];
            /** @description Who put it in force; null for what the configuration named at a start. */
            by: string | null;
            /** @description Ids of the rules that read otherwise than in the version before. */
            changed: string[];
            /** @description Content hash of its text. */
            hash: string;
            /** @description Whether it is in force now. */
            in_force: boolean;
            /** @description Why; null where nobody said. */
            reason: string | null;
            /** @description Ids of the rules that it no longer has. */
            removed: string[];
            /**
             * Format: int64
             * @description Event time since when.
             */
            time: number;
            /**
             * Format: int64
             * @description 1 for the first, then one more each.
             */
            version: number;
        };
        /** @description The rule sets that were put in force. */
        RuleVersions: {
            /** @description Newest first. */
            items: components["schemas"]["RuleVersion"][];
        };
        /**
         * @description How satisfied a reporter is.
         * @enum {string}
         */
        Satisfied: "yes" | "mostly" | "no";
        /** @description What was made or changed. */
        Saved: {
            id: string;
            /** Format: int64 */
            version: number;
        };
        /** @description What is wanted. */
        Schedule: {
            /**
             * Format: int64
             * @description Epoch milliseconds; now if it is left out.
             */
            from?: number | null;
            kind: components["schemas"]["TargetKind"];
            /** @description 1 to 2,000 characters. */
            reason: string;
            /** @description A sensor's id, an area's code or a rule's id. */
            target: string;
            /**
             * Format: int64
             * @description Epoch milliseconds; at most thirty days after `from`.
             */
            until: number;
        };
        /**
         * @description What a token may do.
         * @enum {string}
         */
        Scope: "sensors:read" | "incidents:read" | "incidents:act" | "feed:read" | "feed:subscribe" | "cases:read" | "cases:handle" | "appeals:write" | "metrics:read";
        /** @description A unit's score of a month. */
        Score: {
            /** @description Where the true one lies, in 95 of 100 cases; what is unknown counts as anything from 0 to 1. */
            interval: components["schemas"]["Interval"];
            /**
             * Format: int64
             * @description The smallest denominator of what counts.
             */
            least: number;
            /** @description The indicators that count, as counted. */
            parts: {
                [key: string]: components["schemas"]["Rate"];
            };
            /**
             * Format: double
             * @description From 0 to 100; nothing if one of its indicators has no value.
             */
            score: number | null;
            /** @description The unit. */
            unit: string;
        };
        /** @description A published month as it stands on the bus. */
        ScoreDetail: components["schemas"]["PublishedScore"] & {
            steps: Record<string, never>[];
        };
        /** @description Published months, newest first, 200 at most. */
        Scores: {
            items: components["schemas"]["PublishedScore"][];
        };
        /**
         * @description For whom somebody sits on a panel.
         * @enum {string}
         */
        Seat: "party_delegate" | "congress_delegate" | "cppcc_member" | "citizen" | "netizen" | "media";
        /** @description Time in which one unit had the case: what it used of the clock, so that blame is split at each hand-over. */
        Segment: {
            /**
             * Format: int64
             * @description What the clock had used when it began.
             */
            base_ms: number;
            /** @description Whether the clock was breached in it. */
            breached: boolean;
            /** Format: int64 */
            from_at: number;
            unit: string;
            /** Format: int64 */
            until_at: number | null;
            /**
             * Format: int64
             * @description Of the clock of handling, in milliseconds; known when it ended.
             */
            used_ms: number | null;
        };
        /** @description A sensor, as it is registered and as it is now. */
        Sensor: {
            attributes: Record<string, never>;
            cell: string | null;
            /** @description Whether nobody said which datum the point was given in. */
            datum_unknown: boolean;
            district: string | null;
            domain: string;
            /**
             * Format: int64
             * @description Time of its newest reading; null if none is known.
             */
            heard_at: number | null;
            id: string;
            in_service: boolean;
            /**
             * Format: int64
             * @description How often it reports; null if only when something happens.
             */
            interval_ms: number | null;
            /** @description The newest value of each metric. */
            last: {
                [key: string]: components["schemas"]["LastView"];
            };
            /** Format: double */
            lat: number | null;
            /** Format: double */
            lon: number | null;
            /**
             * Format: int64
             * @description When a reading of it was refused because it cannot be true, if that was within the last hour.
             */
            out_of_range_at: number | null;
            state: components["schemas"]["SensorState"];
            subdistrict: string | null;
        };
        /** @description How many sensors are how. */
        SensorCounts: {
            /** Format: int64 */
            never: number;
            /** Format: int64 */
            online: number;
            /** Format: int64 */
            silent: number;
            /** Format: int64 */
            stuck: number;
            /** Format: int64 */
            total: number;
        };
        /** @description A sensor with what is around it. */
        SensorDetail: components["schemas"]["Sensor"] & {
            coverage: components["schemas"]["Coverage"] | null;
            /** @description Nearest sensors of the same domain. */
            neighbours: components["schemas"]["Near"][];
            open_incidents: components["schemas"]["Incident"][];
        };
        /** @description All placed sensors in columns of equal length. */
        SensorMap: {
            domain: string[];
            ids: string[];
            lat: number[];
            lon: number[];
            state: components["schemas"]["SensorState"][];
        };
        /** @description Sensors in the order of their ids. */
        SensorPage: {
            items: components["schemas"]["Sensor"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /**
         * @description How a sensor is.
         * @enum {string}
         */
        SensorState: "online" | "silent" | "stuck" | "never";
        /** @description The notices to all, the newest first, at most 100. */
        SentList: {
            items: components["schemas"]["SentNotice"][];
        };
        /** @description A notice, whom it was for, and how it arrived. */
        SentNotice: components["schemas"]["Notice"] & {
            deliveries: components["schemas"]["Arrival"][];
            id: string;
            /** Format: int64 */
            seq: number;
            to: components["schemas"]["ToName"][];
        };
        /** @description An incident that joined it is about something else. */
        SeparateBody: {
            incident: string;
            /** @description 1 to 2,000 characters. */
            reason: string;
        };
        /** @description Buckets of time with values in them; empty ones are absent. */
        SeriesView: {
            metric: string;
            /** @description Begin of the bucket, mean, least, largest, number of values. */
            points: number[][];
            sensor: string;
            /**
             * Format: int64
             * @description Width of a bucket.
             */
            step_ms: number;
            /** @description Null if the metric is not known. */
            unit: string | null;
        };
        /** @description Who is signed in. */
        SessionView: {
            /** @description Codes of the areas that are seen; empty for the whole city. */
            areas: string[];
            /**
             * Format: int64
             * @description Wall time; null for a token without end.
             */
            expires_at: number | null;
            name: string;
            /** @description The first of `roles`; empty for a token. */
            role: string;
            roles: components["schemas"]["Role"][];
            /** @description What a token may do; empty for people. */
            scopes: components["schemas"]["Scope"][];
            unit: string | null;
        };
        /** @description What is wanted. */
        SetAside: {
            /** @description 1 to 2,000 characters. */
            reason: string;
            /**
             * Format: int64
             * @description Epoch milliseconds; needed to shelve, at most seven days from now.
             */
            until?: number | null;
        };
        /** @description A shift, on some days of each week. */
        Shift: {
            /** @description Days on which it begins: 1 for Monday to 7 for Sunday. */
            days: number[];
            /** @description As in 08:00, in the city's time zone. */
            from: string;
            /** @description Accounts' names, or names that contacts have. */
            people: string[];
            /** @description The date of the first one's turn, as in 2026-03-02; needed where they take turns. */
            since?: string | null;
            /** @description As in 20:00; of the next day if it is not later than `from`. */
            to: string;
            turns?: components["schemas"]["Turns"];
        };
        /**
         * @description The sides of a case. Nobody acts on two of them in one case.
         * @enum {string}
         */
        Side: "supervision" | "command" | "unit";
        /** @description Name and password. */
        SignIn: {
            name: string;
            password: string;
        };
        /** @description What a button says. */
        SignInLabel: {
            en: string;
            zh: string;
        };
        /** @description How people may sign in. */
        SignInWays: {
            oidc: components["schemas"]["SignInLabel"] | null;
        };
        /** @description Who is on duty from when to when; nobody if `who` is empty. */
        Span: {
            /** Format: int64 */
            from: number;
            /** Format: int64 */
            to: number;
            who: string[];
        };
        /** @description What is found of a place. */
        Spot: {
            /**
             * Format: double
             * @description The chance of a Gi* as far from zero, either way.
             */
            p: number;
            /**
             * Format: double
             * @description The same, corrected for the number of places (Benjamini and Hochberg).
             */
            p_adjusted: number;
            /**
             * Format: double
             * @description Gi*: standard deviations above what chance gives the place and its neighbours; below it where negative.
             */
            z: number;
        };
        /**
         * @description What a clock measures.
         * @enum {string}
         */
        Stage: "total" | "dispatch" | "handle" | "check" | "climb" | "report";
        /**
         * @description Where a case stands.
         * @enum {string}
         */
        State: "reported" | "outside" | "rejected" | "verified" | "registered" | "dispatched" | "handling" | "suspended" | "feedback" | "closed" | "evaluated" | "void";
        /** @description A flood of alarms in a district. */
        Storm: {
            /** @description The district's code; empty for what lies in none. */
            area: string;
            /**
             * Format: int64
             * @description New alarms in the last ten minutes.
             */
            count: number;
            name: components["schemas"]["BTreeMap"];
            /** Format: int64 */
            since: number;
        };
        /** @description The storms that there are, within the areas of who asks. */
        StormList: {
            items: components["schemas"]["Storm"][];
        };
        /**
         * @description What a chain follows.
         * @enum {string}
         */
        Subject: "incidents" | "late_cases";
        /** @description A subscription and its queue. */
        Subscription: {
            /** @description Codes; empty for all that may be seen. */
            areas: string[];
            classes: string[];
            /** Format: int64 */
            created_at: number;
            created_by: string;
            /** @description Empty for all. */
            domains: string[];
            /**
             * Format: int64
             * @description How often it failed in a row; 0 while it works.
             */
            failures: number;
            form: components["schemas"]["Form"];
            id: string;
            name: string;
            /**
             * Format: int64
             * @description When the next delivery is tried, wall time; null if none waits or it is paused.
             */
            next_at: number | null;
            /** @description Why it is paused or behind. */
            reason: string | null;
            /**
             * Format: int64
             * @description Until when messages are signed with the secret of before too; null if with the newest only.
             */
            secret_before_until: number | null;
            /** @description The least: minor, moderate, severe, extreme. */
            severity: string;
            state: components["schemas"]["SubscriptionState"];
            url: string;
            /**
             * Format: int64
             * @description Deliveries that wait or failed and are tried again.
             */
            waiting: number;
        };
        /** @description The subscriptions, the oldest first. */
        SubscriptionList: {
            items: components["schemas"]["Subscription"][];
        };
        /** @description A subscription, and its secret where there is a new one. */
        SubscriptionMade: {
            /** @description Begins with `whsec_`; told this once. */
            secret: string | null;
            subscription: components["schemas"]["Subscription"];
        };
        /**
         * @description How a subscription stands.
         * @enum {string}
         */
        SubscriptionState: "active" | "paused" | "behind";
        /** @description Puts it off. */
        SuspendBody: {
            reason: string;
            /**
             * Format: int64
             * @description Epoch milliseconds; it goes on then by itself.
             */
            until: number;
        };
        /** @description A line that was taken. */
        TakenLine: {
            /** @description The appeal's. */
            number: string;
            /** @description The list's. */
            reference: string;
            /** @description What its reporter is told, this once. */
            secret: string;
        };
        /**
         * @description What is worked on.
         * @enum {string}
         */
        TargetKind: "sensor" | "area" | "rule";
        /** @description A step of the plan. */
        Task: {
            /** Format: int64 */
            done_at: number | null;
            done_by: string | null;
            /** @description The unit that does it; null if that is the one that has the case. */
            unit: string | null;
            what: string;
        };
        /** @description A step of the plan. */
        TaskView: components["schemas"]["Task"] & {
            /** @description What is to be done, by language; empty if the class's plan is another by now. */
            what_by_language: components["schemas"]["BTreeMap"];
        };
        /** @description What was agreed, or done. */
        Terms: {
            note: string;
        };
        /** @description What became of a test. */
        TestCase: {
            /** @description What it shows. */
            name: string;
            /** @description Whether all that was expected was seen, and nothing else. */
            passed: boolean;
            /** @description Why it could not run. */
            problem: string | null;
            /** @description Of one that failed: all that was expected or seen, by time. */
            rows: components["schemas"]["TestRow"][];
        };
        /** @description What became of the tests. */
        Tested: {
            /** @description What is wrong with the others. */
            diagnostics: components["schemas"]["RuleDiagnostic"][];
            /** @description Whether all could be run and passed. */
            passed: boolean;
            /** @description The test files that could be run. */
            suites: components["schemas"]["TestSuite"][];
        };
        /** @description One transition of a test. */
        TestRow: {
            /** @description Time after the start of the test; empty where the test does not say. */
            at: string;
            /** @description Where; empty where the test does not say. */
            key: string;
            /** @description The rule. */
            rule: string;
            /** @description Empty where the test does not say. */
            severity: string;
            /** @description Whether it is as expected. */
            verdict: components["schemas"]["TestVerdict"];
            /** @description opened, escalated, deescalated, updated, cleared */
            what: string;
        };
        /** @description What became of a test file. */
        TestSuite: {
            /** @description Rules for which no test has readings that do not open them. */
            always_opened: string[];
            /** @description Rules that no test opens. */
            never_opened: string[];
            /** @description Path of the file. */
            path: string;
            /** @description Its tests, in its order. */
            tests: components["schemas"]["TestCase"][];
        };
        /**
         * @description Whether a transition is as expected.
         * @enum {string}
         */
        TestVerdict: "met" | "missing" | "extra";
        /**
         * @description What a line of a chart does to an incident.
         * @enum {string}
         */
        ThresholdKind: "opens" | "clears";
        /**
         * @description What is to be done about a sensor.
         * @enum {string}
         */
        Todo: "register" | "retry";
        /** @description A token, without its secret. */
        Token: {
            /** @description Codes; empty for the whole city. */
            areas: string[];
            /**
             * Format: int64
             * @description Wall time, epoch milliseconds.
             */
            created_at: number;
            /** @description Who made it. */
            created_by: string;
            /**
             * Format: int64
             * @description Wall time when it ends; null if it does not.
             */
            expires_at: number | null;
            /** @description Names it to revoke it. */
            id: string;
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Wall time when it was revoked; null if it was not.
             */
            revoked_at: number | null;
            /** @description What it may do. */
            scopes: components["schemas"]["Scope"][];
            /** @description The unit whose cases it handles. */
            unit: string | null;
        };
        /** @description All tokens, the oldest first. */
        TokenList: {
            items: components["schemas"]["Token"][];
        };
        /** @description What everybody reads. */
        ToldNotice: components["schemas"]["PublicNoticeWords"] & {
            area: components["schemas"]["PublicNoticeWhere"];
            /** @description By language; empty for the whole city. */
            area_name: {
                [key: string]: string;
            };
            /** Format: int64 */
            from: number;
            number: string;
            /** Format: int64 */
            published_at: number;
            /** Format: int64 */
            until: number;
        };
        /** @description The notices that hold now, newest first. */
        ToldNotices: {
            items: components["schemas"]["ToldNotice"][];
        };
        /** @description Whom a notice was for. */
        ToName: {
            /** Format: int64 */
            read_at: number | null;
            /** @description A name; `*` for all operators. */
            who: string;
        };
        /** @description Hands it to another unit, of any level. */
        TransferBody: {
            /** @description A limit from the hand-over on; what is left of the old one if it is left out. */
            limit?: string | null;
            reason: string;
            unit: string;
        };
        /**
         * @description Whether the people of a shift take turns.
         * @enum {string}
         */
        Turns: "together" | "weekly" | "daily";
        /** @description What lies under the maps. */
        Under: {
            basemap: components["schemas"]["Basemap"] | null;
        };
        /** @description A unit, or a kind of unit. */
        Unit: {
            area: string | null;
            /** @description Whether each area of the level has one. */
            is_each: boolean;
            /** @description city, district, subdistrict */
            level: string;
            name: components["schemas"]["BTreeMap"];
            powers: string[];
            /** @description Where `is_each` is true, its code has the area's added: `street-office-110101007`. */
            unit: string;
        };
        /** @description All units by code. */
        Units: {
            items: components["schemas"]["Unit"][];
        };
        /** @description A sensor that spoke before it was registered, or after. */
        UnknownSensor: {
            /**
             * Format: int64
             * @description Messages of it that were refused, or are on the log without a sensor.
             */
            count: number;
            /**
             * Format: int64
             * @description When it was heard first and last, by the wall; what was not refused has the time that it says itself.
             */
            first_at: number;
            id: string;
            /** Format: int64 */
            last_at: number;
            /** @description Where the last refused message stands in the dead letter, as `citywatch dead-letter` names it. */
            letter: string | null;
            /** @description The last payload that was refused, its first 1,000 characters; null if none was. */
            payload: string | null;
            /** @description Whether the registry had it and lost it. */
            removed: boolean;
            todo: components["schemas"]["Todo"];
            /** @description The MQTT topic of the last message; null if none was refused. */
            topic: string | null;
        };
        /** @description Unknown sensors, those heard last first. */
        UnknownSensorPage: {
            /**
             * Format: int64
             * @description How many are not told of, because there were too many.
             */
            forgotten: number;
            items: components["schemas"]["UnknownSensor"][];
            /** @description Asks for the next page; null at the end. */
            next: string | null;
        };
        /** @description The cases behind a figure. */
        VerdictCases: {
            /** @description Those that were reported last first; 200 at most. */
            items: components["schemas"]["CaseRow"][];
            /**
             * Format: int64
             * @description How many more there are.
             */
            left_out: number;
        };
        /** @description How often rules were right. */
        VerdictReport: {
            /** @description By class; those with most that was missed first. */
            classes: components["schemas"]["ClassVerdict"][];
            /** Format: int64 */
            from: number;
            /** @description Names of the classes, by code. */
            names: {
                [key: string]: components["schemas"]["BTreeMap"];
            };
            /** @description By rule; those with most that was not found first. */
            rules: components["schemas"]["RuleVerdict"][];
            /** @description Titles of the rules, by id. */
            titles: {
                [key: string]: components["schemas"]["BTreeMap"];
            };
            /** Format: int64 */
            to: number;
        };
        /** @description What verifying found. */
        VerifyBody: {
            note?: string;
            result: components["schemas"]["VerifyResult"];
        };
        /**
         * @description What verifying found.
         * @enum {string}
         */
        VerifyResult: "real" | "not_found" | "cannot_tell";
        /** @description A duplicate of another open case. */
        VoidBody: {
            of: string;
            reason: string;
        };
        /** @description The vote of a seat. */
        Vote: {
            /** @description From 1. */
            option: number;
            /** @description From 1. */
            seat: number;
        };
        /** @description What is voted on. */
        VoteCall: {
            /** @description 2 to 8. */
            options: string[];
        };
        /**
         * @description How a cell is watched.
         * @enum {string}
         */
        Watch: "watched" | "quiet" | "bare";
        /** @description How deep water stands on roads. */
        Water: {
            /**
             * Format: double
             * @description At the deepest of the gauges.
             */
            depth_m: number;
            /**
             * Format: int32
             * @description Gauges on roads that are online.
             */
            gauges: number;
        };
        /** @description A unit that was called to a case. */
        Whistle: {
            /** Format: int64 */
            called_at: number;
            clock: components["schemas"]["Clock"] | null;
            /** @description The case was closed and it had not reported in. */
            missed: boolean;
            /**
             * Format: int64
             * @description When it reported in; null before.
             */
            reported_at: number | null;
            unit: string;
        };
        /** @description Calls units to a case. */
        WhistleBody: {
            /** @description Within which they must report in, as in `1 urgent_hour`; two urgent hours if it is left out. */
            limit?: string | null;
            reason: string;
            /** @description 1 to 16 units. */
            units: string[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
