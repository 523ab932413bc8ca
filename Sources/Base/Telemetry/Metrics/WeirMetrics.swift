/// Every metric of Weirhouse. `docs/observability.md` has the table; a test compares the two.
package enum WeirMetrics {
    // Of the whole installation ---------------------------------------------------------------------------------------

    package static let jobsClaimed = MetricFamily(
        "weir_jobs_claimed_total", .counter, "Claims of jobs by workers, attempts after the first included.",
        by: ["kind"])
    package static let jobsFinished = MetricFamily(
        "weir_jobs_finished_total", .counter, "Jobs that have ended: success, failed or cancelled.",
        by: ["kind", "outcome"])
    package static let jobDuration = MetricFamily(
        "weir_job_duration_seconds", .histogram(jobBounds),
        "How long attempts took: success, failed, cancelled or retried.",
        by: ["kind", "outcome"])
    package static let jobWait = MetricFamily(
        "weir_job_wait_seconds", .histogram(waitBounds), "From when a job could run to its claim.", by: ["kind"])
    package static let jobRetries = MetricFamily(
        "weir_job_retries_total", .counter,
        "Attempts after which another follows, by the problem's code; cancelled means that the worker stopped.",
        by: ["kind", "code"])
    package static let leaseLosses = MetricFamily(
        "weir_lease_losses_total", .counter, "Jobs taken back from workers that had gone silent.", by: ["kind"])
    package static let notices = MetricFamily(
        "weir_notices_total", .counter, "Messages to people and webhooks: sent or failed.", by: ["channel", "outcome"])
    package static let scheduleFirings = MetricFamily(
        "weir_schedule_firings_total", .counter, "Runs made by schedules.")
    package static let partFailures = MetricFamily(
        "weir_part_failures_total", .counter, "Failures of a part of Weirhouse that it goes on after.", by: ["part"])
    package static let provisioningTime = MetricFamily(
        "provisioning_time_seconds", .histogram(jobBounds), "How long provision jobs that succeeded took.")
    package static let spansExported = MetricFamily(
        "weir_spans_exported_total", .counter, "Spans that the receiver of traces has taken.")
    package static let spansDropped = MetricFamily(
        "weir_spans_dropped_total", .counter, "Spans that were lost: buffer_full, refused or unreachable.",
        by: ["reason"])

    /// Added up in the metadata database by all processes, and exposed by each server.
    package static let shared = [
        jobsClaimed, jobsFinished, jobDuration, jobWait, jobRetries, leaseLosses, notices, scheduleFirings,
        partFailures, provisioningTime, spansExported, spansDropped, MetricRegistry.dropped,
    ]

    // Of the queue at this moment -------------------------------------------------------------------------------------

    package static let jobs = MetricFamily(
        "weir_jobs", .gauge, "Jobs that are not over: PENDING, RUNNING or RETRYABLE.", by: ["kind", "state"])
    package static let jobsWaiting = MetricFamily(
        "weir_jobs_waiting", .gauge, "PENDING jobs by what they wait for.", by: ["kind", "waits"])
    package static let oldestWait = MetricFamily(
        "weir_oldest_wait_seconds", .gauge, "How long the oldest job that could run has waited for a worker.",
        by: ["kind"])
    package static let activeJobs = MetricFamily("active_jobs", .gauge, "Jobs that run.")
    package static let workers = MetricFamily(
        "weir_workers", .gauge, "Workers that have said within 15 seconds that they live.")
    package static let workerSlots = MetricFamily(
        "weir_worker_slots", .gauge, "How many jobs these workers can run at once.")
    package static let limits = MetricFamily(
        "weir_limits", .gauge, "Limits of the queue that are in use, full or paused.", by: ["state"])
    package static let schedulesLate = MetricFamily(
        "weir_schedules_late", .gauge, "Schedules that should have made a run more than a minute ago.")

    /// As `weir.queue_gauges()` gives them.
    package static let queue = [
        jobs, jobsWaiting, oldestWait, activeJobs, workers, workerSlots, limits, schedulesLate,
    ]

    /// Failed provision jobs among those that have ended; 0 before the first has.
    package static let provisioningFailureRate = MetricFamily(
        "provisioning_failure_rate", .gauge, "Failed provision jobs divided by those that have ended.")
    package static let metadataUp = MetricFamily(
        "weir_metadata_up", .gauge,
        "1 if the metadata database answered this scrape; 0: the metrics of the installation are missing from it.")

    // Of a server -----------------------------------------------------------------------------------------------------

    package static let requests = MetricFamily(
        "weir_http_requests_total", .counter, "Answered requests by the path as it was declared.",
        by: ["method", "route", "status"])
    package static let requestDuration = MetricFamily(
        "weir_http_request_duration_seconds", .histogram(requestBounds),
        "From a request to the beginning of its answer.", by: ["method", "route", "status"])
    package static let loopLag = MetricFamily(
        "weir_event_loop_lag_seconds", .histogram(lagBounds), "How long a task waited for its event loop.")
    package static let pool = MetricFamily(
        "weir_pool_connections", .gauge, "Connections to the metadata database: open or idle.", by: ["state"])
    package static let poolLimit = MetricFamily(
        "weir_pool_connections_limit", .gauge, "The most connections to the metadata database that may be open.")
    package static let poolWaiting = MetricFamily(
        "weir_pool_waiting", .gauge, "Tasks that wait for a connection to the metadata database.")
    package static let build = MetricFamily("weir_build_info", .gauge, "1, with the version.", by: ["version"])

    /// `provisioning_failure_rate` from the sums of `jobsFinished`.
    package static func failureRate(in snapshots: [MetricSnapshot]) -> MetricSnapshot {
        let ended = snapshots.filter { $0.family == jobsFinished }.flatMap(\.points)
            .filter { $0.labels.first?.value == provision }
        let all = ended.reduce(0) { $0 + $1.value }
        let failed = ended.filter { $0.labels.last?.value == "failed" }.reduce(0) { $0 + $1.value }
        return MetricSnapshot(
            provisioningFailureRate, [provisioningFailureRate.point([], all == 0 ? 0 : failed / all)])
    }

    /// The kind of the jobs that make warehouses.
    static let provision = "provision"

    private static let jobBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600]
    private static let waitBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600]
    private static let requestBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    private static let lagBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
}
