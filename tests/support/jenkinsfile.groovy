// Carries out a declarative Jenkinsfile as far as it is Groovy, and writes down every step with its
// arguments as Groovy hands them over: groovy jenkinsfile.groovy JENKINSFILE
import groovy.json.JsonOutput

class Recorder {
    def steps = []

    def methodMissing(String name, arguments) {
        steps << [name, arguments.findAll { !(it instanceof Closure) }]
        arguments.findAll { it instanceof Closure }.each { body ->
            body.delegate = this
            body.resolveStrategy = Closure.DELEGATE_FIRST
            body()
        }
        return name
    }

    def propertyMissing(String name) { name }
}

def recorder = new Recorder()
def script = new GroovyShell().parse(new File(args[0]))
script.metaClass.methodMissing = { String name, arguments -> recorder.methodMissing(name, arguments) }
script.metaClass.propertyMissing = { String name -> name }
script.run()
println JsonOutput.toJson(recorder.steps)
