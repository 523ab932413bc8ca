import Kernel
import ObjectStorage
import Outbound
import Testing

@Suite("The place of objects")
struct ObjectLocationTests {
    @Test("is a folder or a bucket")
    func places() throws {
        #expect(try ObjectLocation("/data/lake") == .folder("/data/lake"))
        #expect("\(try ObjectLocation("/data/lake"))" == "/data/lake")
        let aws = try S3Location("s3://lake/raw//orders/?region=eu-central-1")
        #expect(aws.bucket == "lake" && aws.prefix == "raw/orders/" && aws.region == "eu-central-1")
        #expect(aws.endpoint.text == "https://s3.eu-central-1.amazonaws.com/")
        #expect(!aws.isPathStyle)
        #expect("\(aws)" == "s3://lake/raw/orders")
        #expect(try S3Location("s3://lake?region=cn-north-1").endpoint.host == "s3.cn-north-1.amazonaws.com.cn")
        #expect(try S3Location("s3://my.lake?region=eu-central-1").isPathStyle)
        let own = try S3Location("s3://lake?endpoint=http%3A%2F%2F127.0.0.1:5050")
        #expect(own.isPathStyle && own.region == "us-east-1" && own.prefix.isEmpty && own.endpoint.port == 5050)
        #expect(try !S3Location("s3://lake?endpoint=http://minio:9000&addressing=virtual").isPathStyle)
    }

    @Test(
        "that cannot be used is refused",
        arguments: [
            "", "lake", "./lake", "../lake", "file:///data", "s3://", "s3:///prefix", "s3://lake", "s3://la/x?region=r",
            "s3://key:secret@lake/x?region=r",
            "s3://lake/../other?region=r", "s3://lake?region=EU/../x", "s3://lake?region=", "s3://lake?regoin=r",
            "s3://lake?region=r&region=r",
            "s3://lake?endpoint=file:///etc", "s3://lake?endpoint=http://user:secret@host",
            "s3://lake?endpoint=http://host/?x=y", "/data\0",
            "s3://lake?region=r&addressing=both", "s3://-lake?region=r", "s3://lake..x?region=r",
            "s3://lake%2Fx?region=r", "s3://lake@evil?region=r",
        ])
    func refused(_ text: String) {
        let problem = #expect(throws: Problem.self, "\(text)") { try ObjectLocation(text) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.description.contains("secret") == false)
    }
}
