import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let workforce: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/workers", name: "listWorkers",
            summary: "Workers that have been heard of in the last hour, and what they do.",
            answer: .json(Shapes.workerList, "The workers."),
            action: .signedIn(.workforceRead) { call, caller in
                try .json(["workers": await call.operations.workers(as: caller)])
            }),
        Endpoint(
            method: .get, path: "/api/v1/limits", name: "listLimits",
            summary: "Limits that are set, paused or in use now.",
            answer: .json(Shapes.limitList, "The limits."),
            action: .signedIn(.workforceRead) { call, caller in
                try .json(["limits": await call.operations.limits(as: caller)])
            }),
        Endpoint(
            method: .put, path: "/api/v1/limits", name: "putLimit",
            summary: "How many jobs of a key may run at once, and how far apart they start. Null lifts it.",
            body: Shapes.limitRequest, answer: .json(Shapes.limit, "The limit."),
            action: .signedIn(.workforceManage) { call, caller in
                try .json(await call.operations.setLimit(call.decoded(), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/limits/pause", name: "pauseLimit",
            summary: "No job of a key starts for some minutes, or until it is resumed. What runs goes on.",
            body: Shapes.limitPauseRequest, answer: .json(Shapes.limit, "The limit."),
            action: .signedIn(.workforceManage) { call, caller in
                try .json(await call.operations.pauseLimit(call.decoded(), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/limits/resume", name: "resumeLimit",
            summary: "Lifts a person's pause: jobs of a key start again, unless a maintenance window holds it.",
            body: Shapes.limitResumeRequest, answer: .json(Shapes.limit, "The limit."), problems: [.conflict],
            action: .signedIn(.workforceManage) { call, caller in
                let request: LimitResumeRequest = try call.decoded()
                return try .json(await call.operations.resumeLimit(request.key, as: caller))
            }),
    ]

    static let windows: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/maintenance-windows", name: "listWindows",
            summary: "Times in which no job of a key starts.",
            answer: .json(Shapes.windowList, "The windows."),
            action: .signedIn(.workforceRead) { call, caller in
                try .json(["windows": await call.operations.windows(as: caller)])
            }),
        Endpoint(
            method: .put, path: "/api/v1/maintenance-windows/{name}", name: "putWindow",
            summary: "Makes a maintenance window or changes it as a whole.",
            parameters: [windowName], body: Shapes.windowRequest, answer: .json(Shapes.window, "The window."),
            action: .signedIn(.workforceManage) { call, caller in
                try .json(await call.operations.putWindow(call.part("name"), call.decoded(), as: caller))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/maintenance-windows/{name}", name: "deleteWindow",
            summary: "Deletes a maintenance window.",
            parameters: [windowName], answer: .nothing("It is deleted."), problems: [.notFound],
            action: .signedIn(.workforceManage) { call, caller in
                try await call.operations.deleteWindow(call.part("name"), as: caller)
                return .nothing
            }),
    ]

    private static let windowName = Parameter.path("name", "The window's name.")
}
