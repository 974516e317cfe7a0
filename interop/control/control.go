// A test of some service in Go would look like this: go run control.go CONTROL TOKEN
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type object = map[string]any

type refusal struct {
	status        int
	code, message string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.code, r.message) }

func call(verb string, arguments object) (object, error) {
	body, _ := json.Marshal(arguments)
	request, err := http.NewRequest("POST", os.Args[1]+"/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Args[2])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer object
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		failure := answer["error"].(object)
		return nil, refusal{response.StatusCode, failure["code"].(string), failure["message"].(string)}
	}
	return answer, nil
}

func must(verb string, arguments object) object {
	answer, err := call(verb, arguments)
	check(err == nil, verb, err)
	return answer
}

func check(holds bool, what ...any) {
	if !holds {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

func expect(status int, code, verb string, arguments object) {
	_, err := call(verb, arguments)
	failure, is := err.(refusal)
	check(is && failure.status == status && failure.code == code, verb, err)
}

func main() {
	must("create_topic", object{"name": "orders"})
	must("produce", object{"topic": "orders", "key": "7", "value": "{}"})
	records := must("records", object{"topic": "orders"})["records"].([]any)
	check(len(records) == 1 && records[0].(object)["value"] == "{}", records)

	must("crash", object{})
	expect(409, "NOT_POSSIBLE", "records", object{"topic": "orders"})
	must("restart", object{})
	must("wait_for_records", object{"topic": "orders", "count": 1})

	must("hold", object{"api": "OffsetCommit"})
	must("clear", object{})
	must("reset", object{})
	expect(404, "NOT_THERE", "records", object{"topic": "orders"})
	expect(400, "BAD_REQUEST", "fail", object{"api": "Fetsh", "error": "NOT_COORDINATOR"})
	expect(404, "UNKNOWN_VERB", "fly", object{})
	fmt.Println("done")
}
