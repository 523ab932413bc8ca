import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let schedules: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/schedules", name: "listSchedules", summary: "All schedules, by name.",
            answer: .json(Shapes.scheduleList, "The schedules."),
            action: .signedIn(.schedulesRead) { call, caller in
                try .json(["schedules": await call.operations.schedules(as: caller)])
            }),
        Endpoint(
            method: .get, path: "/api/v1/schedules/{name}", name: "getSchedule",
            summary: "A schedule with its next five times.",
            parameters: [scheduleName], answer: .json(Shapes.schedule, "The schedule."), problems: [.notFound],
            action: .signedIn(.schedulesRead) { call, caller in
                try .json(await call.operations.schedule(call.part("name"), as: caller))
            }),
        Endpoint(
            method: .put, path: "/api/v1/schedules/{name}", name: "putSchedule",
            summary: "Makes a schedule or changes it as a whole. Doing it twice changes nothing.",
            parameters: [scheduleName], body: Shapes.scheduleRequest, answer: .json(Shapes.schedule, "The schedule."),
            problems: [.notFound],
            action: .signedIn(.schedulesManage) { call, caller in
                try .json(await call.operations.putSchedule(call.part("name"), call.decoded(), as: caller))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/schedules/{name}", name: "deleteSchedule",
            summary: "Deletes a schedule. Its runs stay.",
            parameters: [scheduleName], answer: .nothing("It is deleted."), problems: [.notFound],
            action: .signedIn(.schedulesManage) { call, caller in
                try await call.operations.deleteSchedule(call.part("name"), as: caller)
                return .nothing
            }),
        Endpoint(
            method: .post, path: "/api/v1/schedules/preview", name: "previewTrigger",
            summary: "What a trigger means, in words and in its next five times. Keeps nothing.",
            body: Shapes.trigger, answer: .json(Shapes.triggerPreview, "What it means."),
            action: .signedIn(.schedulesRead) { call, caller in
                try .json(await call.operations.preview(call.decoded(), as: caller))
            }),
    ]

    static let scheduleControl: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/schedules/{name}/pause", name: "pauseSchedule",
            summary: "The schedule makes no runs until it is resumed. What runs goes on.",
            parameters: [scheduleName], body: Shapes.pauseRequest, answer: .json(Shapes.schedule, "The schedule."),
            problems: [.notFound],
            action: .signedIn(.schedulesManage) { call, caller in
                let request: PauseRequest = try call.decoded()
                return try .json(
                    await call.operations.pauseSchedule(call.part("name"), because: request.because, as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/schedules/{name}/resume", name: "resumeSchedule",
            summary: "The schedule goes on from now, by its catch-up policy.",
            parameters: [scheduleName], answer: .json(Shapes.schedule, "The schedule."), problems: [.notFound],
            action: .signedIn(.schedulesManage) { call, caller in
                try .json(await call.operations.resumeSchedule(call.part("name"), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/schedules/{name}/run", name: "runSchedule",
            summary: "Begins a run at once, also while the schedule is paused. Its times stay as they are.",
            parameters: [scheduleName], answer: .json(Shapes.cloneAccepted, "The run has begun.", status: 202),
            problems: [.notFound, .conflict],
            action: .signedIn(.clonesStart) { call, caller in
                try .json(await call.operations.runSchedule(call.part("name"), as: caller), status: .accepted)
            }),
        Endpoint(
            method: .post, path: "/api/v1/schedules/{name}/backfill", name: "backfillSchedule",
            summary: "Begins a run for each time of the schedule in a range of days that has none yet.",
            parameters: [scheduleName], body: Shapes.backfillRequest,
            answer: .json(Shapes.backfillAccepted, "The runs have begun.", status: 202), problems: [.notFound],
            action: .signedIn(.clonesStart) { call, caller in
                let request: BackfillRequest = try call.decoded()
                if request.from > request.through {
                    throw Refusal.invalid("The day `from` lies after the day `through`.")
                }
                return try .json(
                    await call.operations.backfill(call.part("name"), request, as: caller), status: .accepted)
            }),
    ]

    private static let scheduleName = Parameter.path("name", "The schedule's name.")
}
